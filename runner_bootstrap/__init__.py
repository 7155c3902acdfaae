"""What a machine needs to become a runner: the agent (one zipapp) and how it is built."""
