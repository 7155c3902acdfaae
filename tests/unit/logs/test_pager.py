"""Long output goes to the user's pager, on a terminal only."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cadence.cli.shared.pager import pager_command
from tests.fakes.answering import Asked, Reply, answering

RUN = {
    "run_id": "01m8f3",
    "pipeline": "hello",
    "state": "succeeded",
    **dict.fromkeys(("created_at", "started_at", "finished_at"), "2026-11-30T12:00:00Z"),
    **dict.fromkeys(("branch", "commit", "replay_of", "started_by_run", "rerun_of")),
}
PRINTS_ONCE_THE_PAGER_HAS_GONE = """
import select, sys
from rich.console import Console
from cadence.cli.shared.pager import paged
with paged():
    gone = select.poll()
    gone.register(1, 0)
    assert gone.poll(60_000)
    {}
print("end")
"""
CADENCE = (sys.executable, "-m", "cadence.cli.main", "runs")


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({"CADENCE_PAGER": "most", "PAGER": "more"}, "most"),
        ({"PAGER": "less -S"}, "less -S"),
        ({"PAGER": ""}, None),
        ({"PAGER": "cat"}, None),
        ({"CADENCE_PAGER": "", "PAGER": "less"}, None),
    ],
)
def test_the_environment_names_the_pager(environment: dict[str, str], command: str | None) -> None:
    assert pager_command(environment) == command


def called(url: str, *arguments: str, **environment: str) -> "tuple[int, str]":
    """The status of `cadence runs` on a terminal, and what the terminal shows."""
    return on_terminal([*CADENCE, *arguments], CADENCE_URL=url, CADENCE_TOKEN="token", **environment)


def on_terminal(command: "list[str]", **environment: str) -> "tuple[int, str]":
    """The status of a command on a terminal, and what the terminal shows."""
    named = os.environ | {"TERM": "xterm", "COLUMNS": "120"} | environment
    terminal, side = pty.openpty()
    try:
        status = subprocess.run(command, stdin=side, stdout=side, stderr=side, env=named, check=False).returncode
        os.set_blocking(terminal, False)
        try:
            shown = os.read(terminal, 65536).decode()
        except BlockingIOError:
            shown = ""
    finally:
        os.close(terminal)
        os.close(side)
    return status, shown


def runs(_: Asked) -> Reply:
    return Reply(body={"items": [RUN], "next": None})


def test_a_terminal_s_output_goes_through_the_pager(tmp_path: Path) -> None:
    page = tmp_path / "page"
    with answering(runs) as url:
        status, shown = called(url, CADENCE_PAGER=f"cat > '{page}'")

    assert (status, shown) == (0, "")
    heading, row = page.read_text().splitlines()
    assert "PIPELINE" in heading
    assert "\x1b[" in row
    assert "01m8f3" in re.sub(r"\x1b\[[0-9;]*m", "", row)  # the end of an id is shown in another style


@pytest.mark.parametrize("printed", ["print('a table')", "Console().print('a table')"])
def test_what_a_pager_that_has_gone_did_not_take_is_not_shown(printed: str) -> None:
    program = [sys.executable, "-c", PRINTS_ONCE_THE_PAGER_HAS_GONE.format(printed)]
    assert on_terminal(program, CADENCE_PAGER="true") == (0, "end\r\n")


def test_a_pager_that_the_user_leaves_is_no_error() -> None:
    with answering(runs) as url:
        status, shown = called(url, CADENCE_PAGER="true")

    assert (status, shown) == (0, "")


def test_json_and_no_pager_are_printed_directly() -> None:
    with answering(runs) as url:
        as_json = called(url, "--json", CADENCE_PAGER="false")
        without = called(url, CADENCE_PAGER="")

    assert as_json[0] == without[0] == 0
    assert '"run_id": "01m8f3"' in as_json[1]
    assert "PIPELINE" in without[1]
