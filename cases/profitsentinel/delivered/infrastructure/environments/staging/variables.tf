variable "name_prefix" {
  type    = string
  default = "profitsentinel-staging"
}
