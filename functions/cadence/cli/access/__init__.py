"""Commands about secrets, tokens and the audit log."""
