"""Converts exported data into the formats of monitoring systems. One module for each kind of receiver."""
