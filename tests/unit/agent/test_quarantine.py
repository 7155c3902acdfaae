"""Names of failed tests in reports, and whether they are in quarantine."""

import pytest

from runner_bootstrap.agent.values.quarantine import UnreadableReport, failed_names, not_in_quarantine

REPORT = b"""<?xml version="1.0"?>
<testsuites><testsuite name="suite">
<testcase classname="a.b" name="well"/>
<testcase classname="a.b" name="badly"><failure>x</failure><failure>y</failure></testcase>
<testcase name="alone"><error message="e"/></testcase>
<testcase classname="a" name="later"><skipped/><system-out>failure</system-out></testcase>
<failure/>
</testsuite></testsuites>"""


def test_failures_and_errors_are_named_once() -> None:
    for size in (1, 7, len(REPORT)):
        pieces = (REPORT[start : start + size] for start in range(0, len(REPORT), size))
        assert failed_names(pieces) == ["a.b::badly", "suite::alone"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<testsuite>",
        b"{}",
        b"<!DOCTYPE t [<!ENTITY a 'b'>]><testsuite name='&a;'/>",
        b"<?xml version='1.0' encoding='nothing'?><testsuite/>",
        b"<a>" * 200,
    ],
    ids=["empty", "unclosed", "json", "doctype", "encoding", "deep"],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableReport):
        failed_names(iter([content]))


def test_patterns_match_whole_names() -> None:
    names = ["a.b::badly[1]", "a.b::badly", "c::d"]

    assert not_in_quarantine(names, ["a.b::*", "c::d"]) == []
    assert not_in_quarantine(names, ["a.b::badly", "::d"]) == ["a.b::badly[1]", "c::d"]
    assert not_in_quarantine(names, ["a.b::badly[1]", "?::d"]) == ["a.b::badly", "c::d"]
