"""What engines upload, read piece by piece: a chunk may have hundreds of megabytes, a process only some of that in memory."""
