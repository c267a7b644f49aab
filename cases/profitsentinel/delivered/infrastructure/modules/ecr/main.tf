variable "name_prefix" {
  type = string
}

resource "terraform_data" "repository" {
  input = { name = "${var.name_prefix}-api" }
}

resource "terraform_data" "lifecycle_policy" {
  input = { repository = terraform_data.repository.output.name, keep = 10 }
}

output "repository" {
  value = terraform_data.repository.output.name
}
