"""What every room of the agent uses: errors, how an assignment terminates, clocks, worker threads, loopback ports."""
