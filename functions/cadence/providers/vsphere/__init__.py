"""Runners as virtual machines of a vCenter, cloned from a template."""
