"""`cadence local push`: what a push of a repository on this machine starts, without a code host."""
