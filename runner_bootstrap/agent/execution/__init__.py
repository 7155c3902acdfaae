"""Processes of this machine: workspace, sandbox, control groups, the supervisor process, and the command that it runs."""
