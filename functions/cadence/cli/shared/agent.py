"""Finds and starts the agent and its installer, which are part of this package."""

import sys
from pathlib import Path


def agent_folder() -> Path:
    """The folder of the package `agent`: inside this package once installed, `runner_bootstrap` in a checkout."""
    installed = Path(__file__).resolve().parents[2] / "runner"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[4] / "runner_bootstrap"


def agent_command(*words: str) -> list[str]:
    """The command that starts the agent on this machine with the given arguments."""
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from agent.__main__ import main; sys.exit(main())"
    return [sys.executable, "-c", start, str(agent_folder()), *words]


def installer_folder() -> Path:
    """The folder of the script that installs the agent as a host: inside this package once installed, else in the
    checkout.
    """
    return agent_folder() / "host"
