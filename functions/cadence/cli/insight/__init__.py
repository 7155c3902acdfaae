"""What `cadence show` prints about a treatment."""
