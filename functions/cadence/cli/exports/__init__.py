"""Commands about exports of logs, metrics and traces."""
