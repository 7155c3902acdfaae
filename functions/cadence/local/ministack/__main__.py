"""Runs MiniStack with the changes, without the client of a container daemon, which takes a quarter of its start and is
never called: Lambdas run as processes.
"""

import importlib
import sys


def main() -> None:
    missing: dict[str, object] = {"docker": None}  # MiniStack looks for it, and goes on without
    sys.modules.update(missing)  # type: ignore[arg-type]
    importlib.import_module("cadence.local.ministack.main").main()


if __name__ == "__main__":
    main()
