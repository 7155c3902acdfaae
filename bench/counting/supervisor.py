"""The local stack's supervisor, with a MiniStack that counts."""

import sys

from cadence.local.supervision.components import StackComponents
from cadence.local.supervision.supervisor import main

if __name__ == "__main__":
    sys.exit(main(StackComponents(ministack=(sys.executable, "-m", "bench.counting.ministack"))))
