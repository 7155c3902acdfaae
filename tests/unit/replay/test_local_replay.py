"""What `replay --here` is given, and where it finds the agent."""

import subprocess
import sys

import pytest

from cadence.cli.replay.local_replay import LocalReplayError, parse_secrets
from cadence.cli.shared.agent import agent_folder


def test_secrets_are_taken_from_options_and_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "from outside")
    monkeypatch.delenv("OTHER", raising=False)
    assert parse_secrets(["KEY=a=b", "TOKEN", "EMPTY="]) == {"KEY": "a=b", "TOKEN": "from outside", "EMPTY": ""}
    with pytest.raises(LocalReplayError, match="--secret OTHER: there is no such variable"):
        parse_secrets(["OTHER"])


def test_the_agent_is_at_hand() -> None:
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from agent.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", start, str(agent_folder()), "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
