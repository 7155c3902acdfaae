"""Reports in JUnit XML as programs write them, and as nobody should."""

import io
import tarfile

import pytest

from cadence.adapters.junit import reports
from cadence.adapters.junit.reports import JUnitReports
from cadence.application.test_reports.ports import ParsedReports
from cadence.domain.test_reports.case import CaseOutcome

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.040">
<testcase classname="tests.test_api" name="test_well" time="0.001" />
<testcase classname="tests.test_api" name="test_badly[1-a]" time="0.002"><failure
  message="AssertionError: assert 1 == 2">def test_badly():
&gt;       assert 1 == 2
E       assert 1 == 2

tests/test_api.py:12: AssertionError</failure></testcase>
<testcase classname="tests.test_api" name="test_later" time="0.000"><skipped type="pytest.skip"
  message="not here">tests/test_api.py:15: not here</skipped></testcase>
<testcase classname="tests.test_api" name="test_setup" time="0.003"><error
  message="failed on setup with &quot;KeyError: 'x'&quot;">conftest.py:3: KeyError</error></testcase>
</testsuite></testsuites>"""
SUREFIRE = b"""<testsuite name="com.acme.SumTest" time="1,234.5" tests="2">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="adds" classname="com.acme.SumTest" time="0.5"/>
  <testcase name="overflows" classname="com.acme.SumTest" time="1,234">
    <failure message="expected: 1" type="org.opentest4j.AssertionFailedError"><![CDATA[expected: 1
  at com.acme.SumTest.overflows(SumTest.java:9)]]></failure>
    <rerunFailure message="again"/>
    <system-out>lines</system-out>
  </testcase>
</testsuite>"""
NESTED = b"""<testsuites><testsuite name="outer"><testcase name="a"/>
<testsuite name="inner"><testcase name="b" file="src/b.spec.ts" line="7"><failure/></testcase></testsuite></testsuite>
</testsuites>"""


def parse(content: bytes) -> ParsedReports:
    return JUnitReports().parse(content, archive=False)


def packed(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return content.getvalue()


def test_a_report_of_pytest() -> None:
    found = parse(PYTEST)

    assert found.problem is None
    well, badly, later, setup = found.cases
    assert (well.name, well.outcome, well.seconds) == ("tests.test_api::test_well", CaseOutcome.PASSED, 0.001)
    assert (badly.outcome, badly.file, badly.line) == (CaseOutcome.FAILED, "tests/test_api.py", 12)
    assert badly.message.startswith("AssertionError: assert 1 == 2\ndef test_badly")
    assert (later.outcome, later.file) == (CaseOutcome.SKIPPED, None)
    assert (setup.outcome, setup.file, setup.line) == (CaseOutcome.ERROR, "conftest.py", 3)


def test_a_report_of_surefire_with_a_suite_as_its_root() -> None:
    adds, overflows = parse(SUREFIRE).cases

    assert (adds.name, adds.seconds) == ("com.acme.SumTest::adds", 0.5)
    assert (overflows.outcome, overflows.seconds) == (CaseOutcome.FAILED, 1234.0)
    assert overflows.message.startswith("expected: 1\n")


def test_suites_in_suites_and_places_as_attributes() -> None:
    outer, inner = parse(NESTED).cases

    assert (outer.name, inner.name) == ("outer::a", "outer::b")
    assert (inner.file, inner.line, inner.message) == ("src/b.spec.ts", 7, "")


def test_files_of_an_archive_are_read_and_bad_ones_named() -> None:
    found = JUnitReports().parse(packed({"a.xml": PYTEST, "b.xml": b"<html/>", "c.xml": SUREFIRE}), archive=True)

    assert len(found.cases) == 6
    assert found.problem == "b.xml is no JUnit XML: it has neither `testsuites` nor `testsuite`."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no XML"),
        (b"no xml", "is no XML"),
        (b"<testsuite><testcase name='a'/>", "is no XML"),
        (b"\xff\xfe<\x00t", "is no XML"),
        (b"<?xml version='1.0' encoding='nothing'?><testsuite/>", "is no XML"),
        (b"<testsuites/>", "has no tests"),
        (b"<testsuite>" * 101, "more than 100 elements deep"),
        (b"<!DOCTYPE testsuite><testsuite/>", "document type"),
        (
            b"<!DOCTYPE t [<!ENTITY a 'aaaaaaaaaa'>"
            + b"".join(b"<!ENTITY a%d '&a%d;&a%d;'>" % (n, n - 1, n - 1) for n in range(1, 40))
            + b"]><testsuite name='&a39;'/>",
            "document type",
        ),
        (b"<!DOCTYPE t [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><testsuite name='&x;'/>", "document type"),
    ],
    ids=["empty", "text", "unclosed", "binary", "encoding", "no-tests", "deep", "doctype", "entities", "external"],
)
def test_what_cannot_be_read_is_a_problem_in_words(content: bytes, words: str) -> None:
    found = parse(content)

    assert found.cases == [] and words in str(found.problem)


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "much", "", "1e999"])
def test_a_time_that_is_none_counts_as_zero(time: str) -> None:
    (found,) = parse(f'<testsuite><testcase name="a" time="{time}" line="x"/></testsuite>'.encode()).cases

    assert (found.seconds, found.line) == (0.0, None)


def test_long_names_and_messages_are_cut() -> None:
    text = "x" * 10_000
    (found,) = parse(
        f'<testsuite><testcase name="{text}"><failure>{text}</failure></testcase></testsuite>'.encode()
    ).cases

    assert (len(found.name), len(found.message)) == (reports.LONGEST_NAME, reports.LONGEST_MESSAGE)


def test_tests_and_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_CASES", 3)
    many = parse(b"<testsuite>" + b"<testcase name='a'/>" * 5 + b"</testsuite>")
    assert len(many.cases) == 3 and "more than 3 tests" in str(many.problem)

    monkeypatch.setattr(reports, "MOST_FILES", 1)
    files = JUnitReports().parse(packed({"a.xml": NESTED, "b.xml": NESTED}), archive=True)
    assert len(files.cases) == 2 and "more than 1 files" in str(files.problem)

    monkeypatch.setattr(reports, "MOST_BYTES", 10)
    assert "more than 10 bytes" in str(JUnitReports().parse(packed({"a.xml": NESTED}), archive=True).problem)


def test_what_is_no_archive_is_a_problem() -> None:
    assert "archive" in str(JUnitReports().parse(b"x" * 1024, archive=True).problem)
    links = io.BytesIO()
    with tarfile.open(fileobj=links, mode="w") as archive:
        link = tarfile.TarInfo("a.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert JUnitReports().parse(links.getvalue(), archive=True).problem == "The report has no tests."
