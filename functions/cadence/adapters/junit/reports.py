"""`ReportParser` for JUnit XML. Reports are made by treatments, so everything about them is bounded."""

import io
import math
import re
import tarfile
from collections.abc import Iterator
from typing import Any, cast
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from junitparser import Attr, Error, Failure, JUnitXml, JUnitXmlError, Skipped, TestCase, TestSuite

from cadence.application.test_reports.ports import ParsedReports
from cadence.domain.test_reports.case import CaseOutcome, ReportedCase

MOST_FILES = 2_000
MOST_CASES = 50_000
MOST_BYTES = 64 * 1024 * 1024
MOST_DEEP = 100
LONGEST_NAME = 500
LONGEST_MESSAGE = 4_000
_LONGEST_TIME = 30 * 86_400.0
_LARGEST_LINE = 10_000_000
_MOST_PROBLEMS = 3
_LONGEST_SEARCHED = 8_000
_PLACE = re.compile(r"^[ \t]{0,20}([A-Za-z0-9_./\\-]{1,300}\.[A-Za-z]{1,10}):([0-9]{1,7}):", re.MULTILINE)


class JUnitReports:
    """Reads reports with junitparser, from trees that defusedxml made.

    These have no document types, and so no entities.
    """

    def parse(self, content: bytes, *, archive: bool) -> ParsedReports:
        cases: list[ReportedCase] = []
        problems: list[str] = []
        try:
            for name, file in _members(content) if archive else [("the report", content)]:
                try:
                    for case in _cases(file):
                        if len(cases) == MOST_CASES:
                            raise _TooMuch(f"The report has more than {MOST_CASES:,} tests; the others are left out.")
                        cases.append(case)
                except _Unreadable as error:
                    problems.append(f"{name} {error}.")
        except (_TooMuch, tarfile.TarError) as error:
            problems.append(str(error) if isinstance(error, _TooMuch) else f"The archive cannot be read: {error}.")
        if not cases and not problems:
            problems.append("The report has no tests.")
        shown = " ".join(problems[:_MOST_PROBLEMS])
        more = f" {len(problems) - _MOST_PROBLEMS} more." if len(problems) > _MOST_PROBLEMS else ""
        return ParsedReports(cases=cases, problem=shown + more or None)


class _Case(TestCase):
    """A test with the attributes that some programs write; numbers are read here, since they may be anything."""

    time = Attr()
    file = Attr()
    line = Attr()
    lineno = Attr()


class _Suite(TestSuite):
    testcase = _Case


class _Report(JUnitXml):
    testsuite = _Suite


class _Unreadable(Exception):
    """A file that is no report, with the reason."""


class _TooMuch(Exception):
    """Reports beyond a bound, in words."""


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yields the names and contents of the files in an archive."""
    left = MOST_BYTES
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as packed:
        for number, member in enumerate(packed):
            if number >= MOST_FILES:
                raise _TooMuch(f"The report has more than {MOST_FILES:,} files; the others are left out.")
            file = packed.extractfile(member) if member.isreg() else None
            if file is None:
                continue
            text = file.read(left + 1)
            left -= len(text)
            if left < 0:
                raise _TooMuch(f"The files have more than {MOST_BYTES:,} bytes; the others are left out.")
            yield member.name[:LONGEST_NAME], text


def _cases(content: bytes) -> Iterator[ReportedCase]:
    """Yields the tests of one file. Raises _Unreadable."""
    try:
        for suite in _Report.fromroot(_tree(content)):
            yield from (_case(cast(_Case, case), suite.name or "") for case in suite)
    except JUnitXmlError as error:
        raise _Unreadable("is no JUnit XML: it has neither `testsuites` nor `testsuite`") from error


def _tree(content: bytes) -> Any:
    """Returns the root of a document. Raises _Unreadable."""
    deep, root = 0, None
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                root = element if root is None else root
                deep += 1
                if deep > MOST_DEEP:
                    raise _Unreadable(f"is more than {MOST_DEEP} elements deep")
            else:
                deep -= 1
    except DefusedXmlException as error:
        raise _Unreadable("has a document type, which is not accepted") from error
    except (ParseError, ValueError, LookupError) as error:
        raise _Unreadable(f"is no XML: {error}") from error
    if root is None:
        raise _Unreadable("is empty")
    return root


def _case(case: _Case, suite: str) -> ReportedCase:
    group, name = case.classname or suite, case.name or "(no name)"
    outcome, message = CaseOutcome.PASSED, ""
    place: tuple[str, int] | None = None
    for result in case.result:
        kind = _kind(result)
        if kind is None or outcome.failing:
            continue
        text = result.text or ""
        first = result.message or ""
        outcome, message = kind, text if text.startswith(first) else f"{first}\n{text}"
        place = _place(text) if kind.failing else None
    return ReportedCase(
        name=(f"{group}::{name}" if group else name)[:LONGEST_NAME],
        outcome=outcome,
        seconds=_seconds(case.time),
        file=place[0] if place else (case.file or "")[:LONGEST_NAME] or None,
        line=place[1] if place else _line(case.line or case.lineno),
        message=message.strip()[:LONGEST_MESSAGE],
    )


def _kind(result: object) -> CaseOutcome | None:
    match result:
        case Error():
            return CaseOutcome.ERROR
        case Failure():
            return CaseOutcome.FAILED
        case Skipped():
            return CaseOutcome.SKIPPED
    return None


def _place(text: str) -> tuple[str, int] | None:
    """Returns the last `file:line:` at the beginning of a line: where the test failed, not where it begins."""
    found = _PLACE.findall(text[-_LONGEST_SEARCHED:])
    return (found[-1][0], int(found[-1][1])) if found else None


def _seconds(text: str | None) -> float:
    """Returns a time; some programs write thousands with a comma. What is no time counts as none."""
    try:
        seconds = float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0
    return round(min(max(seconds, 0.0), _LONGEST_TIME), 6) if math.isfinite(seconds) else 0.0


def _line(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return min(int(text), _LARGEST_LINE)
