"""Converts files of GitLab CI."""
