"""Log lines on their way to the gateway, with secrets masked."""
