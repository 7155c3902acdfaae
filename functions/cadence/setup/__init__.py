"""The first step after a deployment: whoever deployed prepares the installation and gets its first token."""
