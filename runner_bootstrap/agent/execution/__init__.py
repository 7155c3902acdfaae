"""Processes of this machine: workspace, sandbox, control groups, the supervisor and the command that it runs."""
