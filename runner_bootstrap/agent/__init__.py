"""The Cadence agent: claims one assignment, runs its command, moves its data, reports.

Standard library only, Python ≥ 3.9.
"""

VERSION = "1"
