"""Converts workflows of WfCommons."""
