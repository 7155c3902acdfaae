"""Converts workflows of GitHub Actions."""
