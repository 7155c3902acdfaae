"""What a treatment uses: CPU, memory, disk and network, sampled as a time series."""
