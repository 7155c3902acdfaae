"""Converts files of Bitbucket Pipelines."""
