variable "name_prefix" {
  type = string
}

variable "cidr" {
  type    = string
  default = "10.20.0.0/16"
}

locals {
  zones = toset(["a", "b"])
}

resource "terraform_data" "vpc" {
  input = { name = "${var.name_prefix}-vpc", cidr = var.cidr }
}

resource "terraform_data" "internet_gateway" {
  input = { vpc = terraform_data.vpc.output.name }
}

resource "terraform_data" "address" {
  input = { name = "${var.name_prefix}-nat" }
}

resource "terraform_data" "nat_gateway" {
  input = { address = terraform_data.address.output.name }
}

resource "terraform_data" "public_subnet" {
  for_each = local.zones
  input    = { name = "${var.name_prefix}-public-${each.key}" }
}

resource "terraform_data" "private_subnet" {
  for_each = local.zones
  input    = { name = "${var.name_prefix}-private-${each.key}" }
}

resource "terraform_data" "route_table" {
  for_each = toset(["public", "private"])
  input    = { name = "${var.name_prefix}-${each.key}" }
}

resource "terraform_data" "default_route" {
  for_each = toset(["public", "private"])
  input    = { table = terraform_data.route_table[each.key].output.name }
}

resource "terraform_data" "public_association" {
  for_each = local.zones
  input    = { subnet = terraform_data.public_subnet[each.key].output.name }
}

resource "terraform_data" "private_association" {
  for_each = local.zones
  input    = { subnet = terraform_data.private_subnet[each.key].output.name }
}

output "public_subnets" {
  value = [for subnet in terraform_data.public_subnet : subnet.output.name]
}

output "private_subnets" {
  value = [for subnet in terraform_data.private_subnet : subnet.output.name]
}
