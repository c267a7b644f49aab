variable "name_prefix" {
  type = string
}

variable "subnets" {
  type = list(string)
}

variable "target_port" {
  description = "Port of the service behind the load balancer; 8000 is what dev has."
  type        = number
  default     = 8000
}

resource "terraform_data" "security_group" {
  input = { name = "${var.name_prefix}-alb" }
}

resource "terraform_data" "from_outside" {
  input = { group = terraform_data.security_group.output.name, port = 443 }
}

resource "terraform_data" "to_the_service" {
  input = { group = terraform_data.security_group.output.name, port = var.target_port }
}

resource "terraform_data" "load_balancer" {
  input = { name = "${var.name_prefix}-alb", subnets = var.subnets }
}

resource "terraform_data" "target_group" {
  input = { name = "${var.name_prefix}-tg", port = var.target_port, health = "/health" }
}

resource "terraform_data" "listener" {
  input = { balancer = terraform_data.load_balancer.output.name, port = 443 }
}
