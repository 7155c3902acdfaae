"""Commands that people give on a code host: `/cadence rerun|approve` on a pull request, and buttons of checks."""

import re
from dataclasses import dataclass

_COMMAND = re.compile(r"^/cadence[ \t]+([a-z]{1,20})(?:[ \t]+([0-9a-z]{1,40}))?[ \t]*\r?$", re.MULTILINE)
_LONGEST_READ = 10_000
_ABBREVIATED_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True, kw_only=True)
class CommentCommand:
    """A command on a pull request. `sender` is the author's name on the code host, `sender_id` the id there."""

    repository: str
    number: int
    sender: str
    sender_id: str
    name: str
    argument: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is such a command with such an argument."""
        if self.approves:
            return not self.argument or _ABBREVIATED_COMMIT.fullmatch(self.argument) is not None
        return self.name == "rerun" and self.argument in ("", "all", "failed")

    @property
    def approves(self) -> bool:
        """Whether it approves the runs of a pull request; `argument` is then the beginning of its commit, or empty."""
        return self.name == "approve"

    @property
    def in_full(self) -> bool:
        """Whether what succeeded is to run again, too."""
        return self.argument == "all"

    @property
    def origin(self) -> str:
        """Where it was given, in words."""
        return f"comment on pull request {self.number}"


@dataclass(frozen=True, kw_only=True)
class CheckCommand:
    """A button of a check that asks for a rerun. `run_id` is the check's run; None: all runs of the commit."""

    repository: str
    commit: str
    run_id: str | None
    failed_only: bool
    sender: str
    sender_id: str

    @property
    def in_full(self) -> bool:
        """Whether what succeeded is to run again, too."""
        return not self.failed_only

    @property
    def origin(self) -> str:
        """Where it was given, in words."""
        return "button of a check"


HostCommand = CommentCommand | CheckCommand


def read_command(text: str) -> tuple[str, str] | None:
    """Returns the first command of a comment and its argument; None if no line of the comment is a command."""
    found = _COMMAND.search(text[:_LONGEST_READ])
    return (found[1], found[2] or "") if found else None
