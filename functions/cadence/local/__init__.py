"""The local stack: the templates that deploy to AWS, run by MiniStack behind one loopback address."""
