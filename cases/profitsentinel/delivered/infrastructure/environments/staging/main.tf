# Staging. Every resource is a `terraform_data`: the built-in provider needs neither an account nor a download, so that this plan is made by
# the real program anywhere. Names, counts and variables are those of the AWS resources that they stand for.

terraform {
  required_version = ">= 1.4"
}

module "vpc" {
  source      = "../../modules/vpc"
  name_prefix = var.name_prefix
}

module "alb" {
  source      = "../../modules/alb"
  name_prefix = var.name_prefix
  subnets     = module.vpc.public_subnets
  target_port = 8001
}

module "ecr" {
  source      = "../../modules/ecr"
  name_prefix = var.name_prefix
}

module "s3" {
  source      = "../../modules/s3"
  name_prefix = var.name_prefix
}

module "ecs" {
  source           = "../../modules/ecs"
  name_prefix      = var.name_prefix
  subnets          = module.vpc.private_subnets
  repository       = module.ecr.repository
  container_port   = 8001
  container_cpu    = 2048
  container_memory = 8192
  extra_environment = {
    LLM_PROVIDER = "anthropic"
    DEV_MODE     = "false"
  }
}
