"""Runners as servers of an OpenStack."""
