variable "name_prefix" {
  type = string
}

variable "subnets" {
  type = list(string)
}

variable "repository" {
  type = string
}

variable "container_port" {
  description = "8000 is what dev has; the sidecar listens on 8001."
  type        = number
  default     = 8000
}

variable "container_cpu" {
  type    = number
  default = 4096
}

variable "container_memory" {
  type    = number
  default = 8192
}

variable "extra_environment" {
  type    = map(string)
  default = {}
}

resource "terraform_data" "cluster" {
  input = { name = "${var.name_prefix}-cluster" }
}

resource "terraform_data" "log_group" {
  input = { name = "/ecs/${var.name_prefix}" }
}

resource "terraform_data" "execution_role" {
  input = { name = "${var.name_prefix}-execution" }
}

resource "terraform_data" "execution_policy" {
  input = { role = terraform_data.execution_role.output.name }
}

resource "terraform_data" "task_role" {
  input = { name = "${var.name_prefix}-task" }
}

resource "terraform_data" "security_group" {
  input = { name = "${var.name_prefix}-service", port = var.container_port }
}

resource "terraform_data" "task_definition" {
  input = {
    family      = "${var.name_prefix}-api"
    image       = "${var.repository}:latest"
    port        = var.container_port
    cpu         = var.container_cpu
    memory      = var.container_memory
    environment = var.extra_environment
  }
}

resource "terraform_data" "service" {
  input = {
    name       = "${var.name_prefix}-service"
    cluster    = terraform_data.cluster.output.name
    definition = terraform_data.task_definition.output.family
    subnets    = var.subnets
  }
}

output "cluster" {
  value = terraform_data.cluster.output.name
}
