"""What commands report beside their outputs, whether they succeed or fail.

Reports of tests are read by the agent for its quarantine alone; summaries come with the result, masked and bounded.
"""

import io
import tarfile

import pytest

from .conftest import Work
from .fake_gateway import FakeGateway
from .test_kept_outputs import content
from .test_paths import feed, member, port, tar

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
    assert "exit code 1 does not fail this treatment: the failed test is in quarantine: t::b" in runner.text("agent")


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


def test_instances_divide_the_files_of_a_suite(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    tree = tar(*((member(f"tests/test_{name}.py"), b"") for name in "abcd"), (member("tests/helper.py"), b""))
    listed = []
    for index in range(2):
        split = {
            "files": "tests/**/test_*.py", "index": index, "count": 2,
            "durations": {"tests.test_a.TestLong": 9.0, "tests/test_b.py": 1.0},
        }  # fmt: skip
        source = {**port("source-tree", "./", "block"), "fed": True}
        runner = gateway.add_runner('cat "$CADENCE_TEST_FILES"', index + 1, inputs=[source], split=split)
        feed(gateway, runner, "source-tree", tree)
        work(runner, sandbox)
        listed.append(runner.text())

    # The new files take five seconds each, the mean of the others.
    assert listed == [["tests/test_a.py", "tests/test_b.py"], ["tests/test_c.py", "tests/test_d.py"]]


def test_a_suite_without_files_fails(gateway: FakeGateway, work: Work) -> None:
    split = {"files": "tests/*.py", "index": 0, "count": 1, "durations": {}}
    completed = work(gateway.add_runner("true", split=split))

    assert completed["outcome"] == "failed" and "no file matches tests/*.py" in completed["error"]
