"""Figures for monitoring: what is counted, how events become counts, and how counts become samples."""
