"""The gateway's answer to a claim, parsed and checked, and the types of values that it names."""
