"""HTTP to the runner gateway: the client with its retries, kept-alive connections, tokens."""
