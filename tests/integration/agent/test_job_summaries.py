"""Summaries that commands write: sent with the result, masked and bounded."""

import pytest

from .conftest import Work
from .fake_gateway import FakeGateway


def test_a_summary_comes_with_the_result(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner('echo "# Tests" >> "$CADENCE_SUMMARY"; echo "- 3 passed" >> "$CADENCE_SUMMARY"')

    assert work(runner, sandbox)["summary"] == "# Tests\n- 3 passed"


def test_so_does_the_summary_of_a_command_that_fails_without_secrets(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('echo "token: $TOKEN" > "$CADENCE_SUMMARY"; exit 3', secrets={"TOKEN": "s3cr3t-value"})
    completed = work(runner)

    assert (completed["outcome"], completed["exit_code"], completed["summary"]) == ("failed", 3, "token: ***")


@pytest.mark.parametrize(
    "script",
    ["true", 'printf " \\n" > "$CADENCE_SUMMARY"', 'ln -s /etc/passwd "$CADENCE_SUMMARY"', 'mkdir "$CADENCE_SUMMARY"'],
    ids=["none", "blank", "link", "directory"],
)
def test_what_is_no_summary_is_left_out(gateway: FakeGateway, work: Work, script: str) -> None:
    completed = work(gateway.add_runner(script))

    assert completed["outcome"] == "succeeded"
    assert "summary" not in completed


def test_a_long_summary_is_cut_at_a_line(gateway: FakeGateway, work: Work) -> None:
    script = 'i=0; while [ $i -lt 5000 ]; do echo "line $i of many"; i=$((i + 1)); done > "$CADENCE_SUMMARY"'
    text = work(gateway.add_runner(script))["summary"]

    assert len(text) <= 30_000
    assert text.startswith("line 0 of many\nline 1 of many\n")
    *lines, _, note, _ = text.split("\n")
    assert all(line.endswith(" of many") for line in lines)
    assert note == "*The rest of this summary is left out: it has more than 30,000 characters.*"
