"""The retention time of what a run leaves."""

from datetime import timedelta

KEPT = timedelta(days=90)
"""How long items that refer to values and logs are kept. The bucket's rule for `runs/` removes the objects themselves
at this age or sooner."""
