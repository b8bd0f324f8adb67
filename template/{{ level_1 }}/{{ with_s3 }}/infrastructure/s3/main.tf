# Managed by copier-mlops: an update merges with your edits.
# Sets the rules of lifecycle.json, where Terraform has the bucket. Use either this or `poe lifecycle`.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "bucket" {
  description = "Name of the bucket that DVC pushes to."
  type        = string
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = var.bucket

  dynamic "rule" {
    for_each = jsondecode(file("${path.module}/lifecycle.json")).Rules
    content {
      id     = rule.value.ID
      status = rule.value.Status

      filter {
        prefix = rule.value.Filter.Prefix
      }

      dynamic "transition" {
        for_each = try(rule.value.Transitions, [])
        content {
          days          = transition.value.Days
          storage_class = transition.value.StorageClass
        }
      }

      dynamic "expiration" {
        for_each = try([rule.value.Expiration], [])
        content {
          days = expiration.value.Days
        }
      }

      dynamic "abort_incomplete_multipart_upload" {
        for_each = try([rule.value.AbortIncompleteMultipartUpload], [])
        content {
          days_after_initiation = abort_incomplete_multipart_upload.value.DaysAfterInitiation
        }
      }
    }
  }
}
