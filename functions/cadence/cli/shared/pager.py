"""Shows long output in the user's pager, as git and man do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_LESS = "FRX"
"""Of `less`: end at once if all fits one screen, show colours, leave the text on the screen."""


@contextmanager
def paged(wanted: bool = True) -> Iterator[None]:
    """Sends what is printed within the block to the pager, if input and output are a terminal.

    The pager is `CADENCE_PAGER`, else `PAGER`, else `less`; an empty one, or `cat`, means none. If the user leaves it,
    the block ends without an error.
    """
    command = pager_command(os.environ) if wanted and sys.stdin.isatty() and sys.stdout.isatty() else None
    if command is None:
        yield
        return
    environment = {"LESS": _LESS, "LV": "-c", **os.environ}
    pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)  # noqa: S602 - the user's own
    assert pager.stdin is not None
    sys.stdout.flush()
    terminal = os.dup(sys.stdout.fileno())
    os.dup2(pager.stdin.fileno(), sys.stdout.fileno())
    pager.stdin.close()
    # What prints still prints for a terminal: tables with a heading, in colours unless NO_COLOR is set.
    forced = os.environ.get("FORCE_COLOR")
    os.environ["FORCE_COLOR"] = "1"
    try:
        with suppress(BrokenPipeError):  # the user has left the pager
            yield
    except SystemExit as end:
        # What rich raises where it meets a broken pipe.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
    finally:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        _drop_unwritten()
        os.dup2(terminal, sys.stdout.fileno())
        os.close(terminal)
        if forced is None:
            del os.environ["FORCE_COLOR"]
        else:
            os.environ["FORCE_COLOR"] = forced
        _wait(pager)


def pager_command(environment: Mapping[str, str]) -> str | None:
    """Returns the pager's command line; None for none."""
    for name in ("CADENCE_PAGER", "PAGER"):
        if name in environment:
            command = environment[name].strip()
            return None if command in ("", "cat") else command
    return "less" if shutil.which("less") else None


def _drop_unwritten() -> None:
    """Drops what a pager that has gone did not take: it stays in the buffer, and would be shown on the terminal."""
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())
    sys.stdout.flush()


def _wait(pager: "subprocess.Popen[bytes]") -> None:
    """Waits until the user leaves the pager, which handles Ctrl-C itself."""
    while True:
        try:
            pager.wait()
            return
        except KeyboardInterrupt:
            continue
