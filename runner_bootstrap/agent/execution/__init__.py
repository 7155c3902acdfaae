"""Processes of this machine: the workspace, the sandbox, control groups, the supervisor process, and the command that it runs."""
