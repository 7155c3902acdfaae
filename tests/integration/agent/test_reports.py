"""Reports of tests: sent whether the command succeeds or fails, and read by the agent for its quarantine alone."""

import io
import tarfile

import pytest

from .conftest import Work
from .fake_gateway import FakeGateway
from .test_kept_outputs import content
from .test_paths import port

ONE_FAILED = (
    "mkdir out; echo \"<testsuite name='t'><testcase name='a'/><testcase name='b'><failure/></testcase></testsuite>\""
    " > out/a.xml; "
)
REPORTS = {**port("test-reports", "out/*.xml", "block"), "optional": True}


def test_a_failed_test_in_quarantine_does_not_fail_the_treatment(
    gateway: FakeGateway, work: Work, sandbox: str
) -> None:
    runner = gateway.add_runner(
        ONE_FAILED + "echo 1 > made; exit 1", outputs=[REPORTS, port("made", "made", "block")], quarantine=["t::b"]
    )
    completed = work(runner, sandbox)

    assert (completed["outcome"], completed["exit_code"], completed["error"]) == ("succeeded", 1, None)
    assert content(runner.outputs["made"]) == b"1\n"
    with tarfile.open(fileobj=io.BytesIO(content(runner.outputs["test-reports"]))) as archive:
        assert archive.getnames() == ["a.xml"]
    assert "exit code 1 does not fail this treatment: the 1 failed tests are in quarantine: t::b" in runner.text(
        "agent"
    )


@pytest.mark.parametrize(
    ("script", "quarantine"),
    [
        (ONE_FAILED + "exit 1", ["t::a"]),
        (ONE_FAILED + "exit 1", []),
        (ONE_FAILED + "exit 2", ["t::b"]),
        (ONE_FAILED + "kill -9 $$", ["t::b"]),
        (ONE_FAILED + "echo '<' > out/b.xml; exit 1", ["t::b"]),
        (ONE_FAILED.replace("<failure/>", "") + "exit 1", ["*"]),
        ("exit 1", ["*"]),
    ],
    ids=["other-test", "none", "other-code", "killed", "unreadable", "no-failure", "no-report"],
)
def test_any_other_failure_fails_the_treatment(
    gateway: FakeGateway, work: Work, script: str, quarantine: list[str]
) -> None:
    completed = work(gateway.add_runner(script, outputs=[REPORTS], quarantine=quarantine))

    assert completed["outcome"] == "failed"


def test_a_missing_report_is_an_empty_output_and_a_warning(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("true", outputs=[REPORTS])
    completed = work(runner)

    assert completed["outcome"] == "succeeded"
    assert content(runner.outputs["test-reports"]) == b""
    assert "output test-reports: there is nothing at out/*.xml, so it is empty" in runner.text("agent")
