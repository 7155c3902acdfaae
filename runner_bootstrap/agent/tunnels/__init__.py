"""TCP connections between Mélodium engines on different machines, carried by WebSocket through the control plane."""
