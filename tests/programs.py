"""Optional programs of this machine that tests need, as the product finds them, and the mark that skips without one."""

import shutil
from functools import cache

import pytest

from runner_bootstrap.agent.execution.sandbox import works


@cache
def bubblewrap() -> str | None:
    """The program that cuts commands off; None if it is not installed, or may not be used by this user and kernel."""
    program = shutil.which("bwrap")
    return program if program and works(program) else None


WITHOUT_BUBBLEWRAP = "bubblewrap is not installed, or does not work here"
needs_bubblewrap = pytest.mark.skipif(bubblewrap() is None, reason=WITHOUT_BUBBLEWRAP)
# The images of GitHub's own runners have it.
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
