"""How long what a run left is kept."""

from datetime import timedelta

# Of the items that lead to values and logs. The bucket's rule for `runs/` ends these themselves, at this age or sooner.
KEPT = timedelta(days=90)
