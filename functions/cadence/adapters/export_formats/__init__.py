"""What is sent, in the formats of monitoring systems. One module for each kind of receiver."""
