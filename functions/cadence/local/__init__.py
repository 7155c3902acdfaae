"""The whole stack on one machine: the templates that deploy to AWS, on MiniStack, behind one address on loopback."""
