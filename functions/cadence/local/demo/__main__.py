"""``python -m cadence.local.demo``: runs the demonstration of `make run`."""

import sys

from cadence.local.demo.demonstration import main

if __name__ == "__main__":
    sys.exit(main())
