"""The agent that offers this machine as the one host of the pool `local`."""
