"""Decides whether a failed command failed only because of tests in quarantine, from the reports that it wrote."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional
from xml.parsers import expat

from ..assignments.assignment import AssignedPort, Assignment
from ..beneath.held_directory import HeldDirectory
from ..execution.command import Command
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..shared.errors import AgentError, TreatmentFailed
from . import workspace_paths

#: The output that has the reports.
REPORTS_PORT = "test-reports"
#: Exit codes of test runners whose tests failed: most of them, CTest, Cargo. Others mean another fault.
TESTS_FAILED = frozenset({1, 8, 101})
MOST_BYTES = 64 * 1024 * 1024
MOST_FILES = 2_000
MOST_DEEP = 100
_PIECE = 256 * 1024


class UnreadableReport(Exception):
    """A report that cannot be read, with the reason."""


@contextmanager
def forgiving(assignment: Assignment, workspace: Workspace, command: Command, log: LogBuffer) -> Iterator[None]:
    """Swallows the failure of a command if tests in quarantine failed, and nothing else did."""
    try:
        yield
    except TreatmentFailed:
        code = command.exit.exit_code if command.exit else None
        port = next((port for port in assignment.outputs if port.name == REPORTS_PORT), None)
        if not assignment.quarantine or port is None or code not in TESTS_FAILED:
            raise
        failed = _failed_tests(port, workspace.held_work, log)
        others = not_in_quarantine(failed, assignment.quarantine)
        if not failed or others:
            raise
        tests = "the failed test is" if len(failed) == 1 else f"the {len(failed)} failed tests are"
        log.say(
            f"exit code {code} does not fail this treatment: {tests} in quarantine: {', '.join(failed[:10])}",
            "warning",
        )


def not_in_quarantine(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Returns the names that no pattern matches; in a pattern, * stands for any characters."""
    expressions = [re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL) for pattern in patterns]
    return [name for name in names if not any(expression.fullmatch(name) for expression in expressions)]


def failed_names(pieces: Iterator[bytes]) -> list[str]:
    """Returns the names of the failed tests of a report in JUnit XML. Raises UnreadableReport."""
    reading = _FailedTests()
    try:
        for piece in pieces:
            reading.parser.Parse(piece, False)
        reading.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableReport(f"is no XML: {error}") from error
    return reading.failed


class _FailedTests:
    """Collects failed tests while a report is parsed. A document type is refused, and with it all entities."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self._deep = 0
        self._case: Optional[str] = None
        self._suites: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = False
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._deep += 1
        if self._deep > MOST_DEEP:
            raise UnreadableReport(f"is more than {MOST_DEEP} elements deep")
        if tag == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif tag == "testcase":
            name = attributes.get("name") or "(no name)"
            group = attributes.get("classname") or (self._suites[-1] if self._suites else "")
            self._case = f"{group}::{name}" if group else name
        elif tag in ("failure", "error") and self._case is not None:
            self.failed.append(self._case)
            self._case = None

    def _end(self, tag: str) -> None:
        self._deep -= 1
        if tag == "testsuite":
            self._suites.pop()
        elif tag == "testcase":
            self._case = None

    def _refuse(self, *_: Any) -> None:
        raise UnreadableReport("has a document type, which is not accepted")


def _failed_tests(port: AssignedPort, work: HeldDirectory, log: LogBuffer) -> list[str]:
    """Returns the failed tests of all reports; none, with a warning, if they cannot be read."""
    failed: list[str] = []
    left = MOST_BYTES
    try:
        matched = workspace_paths.find(work, port.path or "", f"output {port.name}")
        if matched.file:
            with matched.file:
                return failed_names(iter(lambda: matched.file.read(_PIECE), b""))  # type: ignore[union-attr]
        assert matched.root
        with matched.root as root:
            for number, name in enumerate(_files(root, matched.names)):
                left -= root.status(name).st_size
                _require_bounds(number, left)
                with root.open_file(name) as file:
                    failed += failed_names(iter(lambda: file.read(_PIECE), b""))
    except (UnreadableReport, AgentError, OSError) as error:
        log.say(f"the quarantine is not applied, since the reports cannot be read: {error}", "warning")
        return []
    return failed


def _require_bounds(files: int, bytes_left: int) -> None:
    if files >= MOST_FILES or bytes_left < 0:
        raise UnreadableReport(f"they are more than {MOST_FILES} files or {MOST_BYTES} bytes")


def _files(root: HeldDirectory, names: Sequence[str]) -> Iterator[str]:
    """Yields the files among the names and in the directories among them, not deeper."""
    for name in names:
        if stat.S_ISDIR(root.status(name).st_mode):
            with root.open_directory(name) as inner:
                children = inner.names()
            yield from (child for child in (f"{name}/{child}" for child in children) if _is_file(root, child))
        else:
            yield name


def _is_file(root: HeldDirectory, name: str) -> bool:
    return stat.S_ISREG(root.status(name).st_mode)
