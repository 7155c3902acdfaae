"""The local stack's supervisor, with a MiniStack that counts."""

import sys

from cadence.local.parts import Parts
from cadence.local.supervisor import main

if __name__ == "__main__":
    sys.exit(main(Parts(ministack=(sys.executable, "-m", "bench.counting_ministack"))))
