"""The supervisor process, the processes that it starts, and their control from outside."""
