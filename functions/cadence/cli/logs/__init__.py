"""Commands about log lines of one run and how long they are kept."""
