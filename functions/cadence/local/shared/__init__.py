"""Files, ports, addresses and errors of the local stack."""
