"""The command that deploys Cadence into an AWS account."""
