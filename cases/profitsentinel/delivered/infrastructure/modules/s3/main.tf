variable "name_prefix" {
  type = string
}

resource "terraform_data" "bucket" {
  input = { name = "${var.name_prefix}-uploads" }
}

resource "terraform_data" "public_access_block" {
  input = { bucket = terraform_data.bucket.output.name, blocked = true }
}

resource "terraform_data" "versioning" {
  input = { bucket = terraform_data.bucket.output.name, enabled = true }
}

output "bucket" {
  value = terraform_data.bucket.output.name
}
