"""These tests run on the oldest Python that the agent promises, too (`.ci/oldest-agent`)."""

import sys

# They hold the agent against code of the control plane, which needs Python 3.11.
collect_ignore = ["test_kept_values.py"] if sys.version_info < (3, 11) else []
