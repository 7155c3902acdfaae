"""What a command sees and how its end is told."""

import json
from pathlib import Path

import pytest

from .fake_gateway import FakeGateway


def test_hello(gateway: FakeGateway, work, sandbox: str, workspaces: Path) -> None:
    runner = gateway.add_runner("echo hello; echo oops >&2")
    done = work(runner, sandbox)
    assert (done["outcome"], done["exit_code"], done["error"]) == ("succeeded", 0, None)
    assert runner.text() == ["hello"]
    assert runner.text("stderr") == ["oops"]
    assert done["logs_through"] == len(runner.lines) == max(runner.lines)
    assert list(workspaces.iterdir()) == []
