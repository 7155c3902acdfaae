"""Outputs of attempts that failed: kept apart from the values, so that nothing is fed with them."""

import io
import tarfile

from .conftest import Work
from .fake_gateway import FakeGateway, Stream
from .test_paths import port


def content(stream: Stream) -> bytes:
    assert stream.end is not None
    assert stream.end["size"] == len(stream.content)
    return stream.content


def test_a_failed_command_keeps_what_it_wrote(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner(
        'mkdir out; echo "<testsuite failures=\'1\'/>" > out/junit.xml; echo half > "$CADENCE_OUT_note"; exit 3',
        outputs=[
            port("report", "out/junit.xml", "block"),
            port("tree", "out/"),
            port("missing", "dist/*.whl"),
            {"port": "note", "flow": "block", "type": "u64"},
            {"port": "unwritten", "flow": "block", "type": "string"},
        ],
    )
    completed = work(runner, sandbox)

    assert (completed["outcome"], completed["exit_code"]) == ("failed", 3)
    assert sorted(runner.kept) == ["note", "report", "tree"]
    assert content(runner.kept["report"]) == b"<testsuite failures='1'/>\n"
    assert content(runner.kept["note"]) == b"half\n"
    with tarfile.open(fileobj=io.BytesIO(content(runner.kept["tree"]))) as archive:
        assert archive.getnames() == ["junit.xml"]
    assert all(not stream.chunks and stream.end is None for stream in runner.outputs.values())
    assert "kept the outputs of this failed attempt: report, tree, note" in runner.text("agent")


def test_an_output_that_is_missing_does_not_lose_the_others(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "echo 1 > there", outputs=[port("there", "there", "block"), port("missing", "missing", "block")]
    )
    completed = work(runner)

    assert completed["outcome"] == "failed"
    assert "output missing: missing is no file" in completed["error"]
    assert content(runner.kept["there"]) == b"1\n"


def test_a_command_that_ran_too_long_keeps_what_it_wrote(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("echo 1 > there; sleep 600", outputs=[port("there", "there", "block")], max_duration=8)
    completed = work(runner)

    assert completed["outcome"] == "timed_out"
    assert content(runner.kept["there"]) == b"1\n"


def test_an_output_that_cannot_be_kept_changes_no_outcome(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        "mkdir out; ln -s /etc/passwd out/link; echo 1 > there; exit 3",
        outputs=[port("tree", "out/"), port("there", "there", "block")],
    )
    completed = work(runner)

    assert (completed["outcome"], completed["exit_code"]) == ("failed", 3)
    assert content(runner.kept["there"]) == b"1\n"
    warnings = [line["text"] for line in runner.lines.values() if line["level"] == "warning"]
    assert [text.partition(": ")[0] for text in warnings] == ["output tree of this failed attempt was not kept"]


def test_a_cancelled_attempt_keeps_nothing(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("echo 1 > there; sleep 600", outputs=[port("there", "there", "block")])
    runner.cancel = "no longer needed"
    completed = work(runner)

    assert completed["outcome"] == "cancelled"
    assert runner.kept == {}
