"""The one layer through which the agent opens what commands can change: nothing is reached outside of a directory."""
