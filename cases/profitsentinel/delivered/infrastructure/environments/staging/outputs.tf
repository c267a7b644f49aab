output "cluster" {
  value = module.ecs.cluster
}

output "bucket" {
  value = module.s3.bucket
}

output "repository" {
  value = module.ecr.repository
}
