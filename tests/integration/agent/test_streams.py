"""Streams and blocks between agents, through the store."""

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import needs_bubblewrap
from tests.waiting import eventually

from .conftest import PATIENCE, Start, Work
from .fake_gateway import WINDOW, FakeGateway, Runner

pytestmark = pytest.mark.slow

MIB = 1 << 20


def stream(*ports: str, type_: str = "byte") -> list[dict[str, str]]:
    return [{"port": port, "flow": "stream", "type": type_} for port in ports]


def block(*ports: str, type_: str = "byte") -> list[dict[str, str]]:
    return [{"port": port, "flow": "block", "type": type_} for port in ports]


def test_64_mib_between_two_agents_at_once(gateway: FakeGateway, start: Start, sandbox: str) -> None:
    producer = gateway.add_runner(
        'head -c 67108864 /dev/urandom | tee "$CADENCE_OUT_data" | sha256sum', 1, outputs=stream("data")
    )
    consumer = gateway.add_runner('sha256sum < "$CADENCE_IN_data"', 2, inputs=stream("data"))
    gateway.connect(producer, "data", consumer, "data")
    for runner in (producer, consumer):
        start(runner, sandbox)
    for runner in (producer, consumer):
        assert runner.done.wait(PATIENCE)
        assert runner.completed
        assert runner.completed["outcome"] == "succeeded", runner.completed
    assert producer.text() == consumer.text()
    end = producer.outputs["data"].end
    assert end
    assert end["size"] == 64 * MIB
    assert end["sha256"] == producer.text()[0].split()[0]


@needs_bubblewrap
def test_agents_of_one_machine_hand_each_other_chunks(gateway: FakeGateway, start: Start, workspaces: Path) -> None:
    producer = gateway.add_runner(
        'head -c 67108864 /dev/urandom | tee "$CADENCE_OUT_data" | sha256sum', 1, outputs=stream("data")
    )
    consumer = gateway.add_runner('sha256sum < "$CADENCE_IN_data"', 2, inputs=stream("data"))
    gateway.connect(producer, "data", consumer, "data")
    start(consumer, "bwrap", words=("--attached",))
    eventually(lambda: list(workspaces.glob("cadence-chunks-*/*/")))
    start(producer, "bwrap", words=("--attached",))
    for runner in (producer, consumer):
        assert runner.done.wait(PATIENCE)
        assert runner.completed
        assert runner.completed["outcome"] == "succeeded", runner.completed
    assert producer.text() == consumer.text()
    data = producer.outputs["data"]
    assert len(data.content) == 64 * MIB
    assert sum(data.downloaded.values()) < len(data.chunks) / 2
    eventually(lambda: not list(workspaces.glob("cadence-*")))


def test_the_first_byte_arrives_while_the_producer_still_runs(
    gateway: FakeGateway, start: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    producer = gateway.add_runner(
        f'echo first > "$CADENCE_OUT_x"; until test -e {go}; do sleep 0.05; done; echo last > "$CADENCE_OUT_x"',
        1,
        outputs=stream("x"),
    )
    consumer = gateway.add_runner(
        'while read -r line; do echo "got $line"; done < "$CADENCE_IN_x"', 2, inputs=stream("x")
    )
    gateway.connect(producer, "x", consumer, "x")
    start(producer)
    start(consumer)
    eventually(lambda: consumer.text() == ["got first"])
    assert not producer.done.is_set()
    go.touch()
    assert consumer.done.wait(PATIENCE)
    assert consumer.text() == ["got first", "got last"]


def test_the_first_byte_needs_no_request_and_the_consumer_is_attached_soon(
    gateway: FakeGateway, start: Start, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    producer = gateway.add_runner(
        f'{{ echo first; until test -e {go}; do sleep 0.05; done; echo last; }} > "$CADENCE_OUT_x"',
        1,
        outputs=stream("x"),
    )
    consumer = gateway.add_runner(
        'while read -r line; do echo "got $line"; done < "$CADENCE_IN_x"', 2, inputs=stream("x")
    )
    gateway.connect(producer, "x", consumer, "x")
    out = producer.outputs["x"]
    gateway.fail_next["inputs"] = 1_000_000
    start(producer)
    eventually(lambda: out.chunks)
    start(consumer)
    eventually(lambda: consumer.text() == ["got first"])
    assert out.consumer_next is None
    gateway.fail_next["inputs"] = 0
    eventually(lambda: out.consumer_next is not None)
    go.touch()
    assert consumer.done.wait(PATIENCE)
    assert consumer.text() == ["got first", "got last"]
    assert out.consumer_next is None


def test_a_stream_begins_with_short_chunks(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('head -c 20971520 /dev/zero > "$CADENCE_OUT_x"', outputs=stream("x"))
    assert work(runner)["outcome"] == "succeeded"
    data = runner.outputs["x"]
    sizes = [len(content) for _, content in sorted(data.chunks.items())]
    assert sum(sizes) == 20 * MIB
    assert (sizes[0] <= 64 << 10, sizes[1] <= 512 << 10, max(sizes) <= 8 * MIB) == (True, True, True)


def test_a_line_longer_than_a_short_chunk_is_one(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner(
        'head -c 700000 /dev/zero | tr \'\\0\' x > "$CADENCE_OUT_x"; echo > "$CADENCE_OUT_x"',
        outputs=stream("x", type_="string"),
    )
    assert work(runner)["outcome"] == "succeeded"
    assert runner.outputs["x"].content == b"x" * 700_000 + b"\n"


def test_a_producer_stays_within_its_credits(gateway: FakeGateway, start: Start, tmp_path: Path) -> None:
    """The consumer takes one line and waits: the producer must stop 16 chunks further on, not run to the end."""
    go = tmp_path / "go"
    producer = gateway.add_runner(
        'i=0; while test $i -lt 60; do echo $i; sleep 0.06; i=$((i+1)); done > "$CADENCE_OUT_x"', 1, outputs=stream("x")
    )
    consumer = gateway.add_runner(
        f'{{ read -r line; until test -e {go}; do sleep 0.05; done; wc -l; }} < "$CADENCE_IN_x"', 2, inputs=stream("x")
    )
    gateway.connect(producer, "x", consumer, "x")
    out = producer.outputs["x"]
    out.consumer_next = 0
    start(producer)
    eventually(lambda: out.denied > 2)
    assert max(out.chunks) < WINDOW
    assert out.granted_through <= WINDOW
    go.touch()
    start(consumer)
    assert consumer.done.wait(PATIENCE)
    assert producer.done.wait(PATIENCE)
    assert consumer.text()[-1].strip() == "59"


def test_an_output_never_opened_is_an_empty_stream(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner("true", outputs=stream("x"))
    assert work(runner, sandbox)["outcome"] == "succeeded"
    end = runner.outputs["x"].end
    assert end
    assert (end["size"], end["chunks"], end["sha256"]) == (0, 0, hashlib.sha256().hexdigest())
    assert runner.outputs["x"].chunks == {0: b""}


def test_an_output_opened_twice_is_one_stream(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('echo a > "$CADENCE_OUT_x"; sleep 0.2; echo b > "$CADENCE_OUT_x"', outputs=stream("x"))
    work(runner)
    assert runner.outputs["x"].content == b"a\nb\n"


@pytest.mark.parametrize("_", range(3))  # the end of the command and of the stream race
def test_a_failed_command_does_not_end_its_stream(gateway: FakeGateway, work: Work, _: int) -> None:
    runner = gateway.add_runner('echo a > "$CADENCE_OUT_x"; exit 3', outputs=stream("x"))
    done = work(runner)
    assert (done["outcome"], done["exit_code"]) == ("failed", 3)
    assert runner.outputs["x"].end is None
    assert b"" not in runner.outputs["x"].chunks.values()


def test_a_consumer_may_close_early(gateway: FakeGateway, work: Work) -> None:
    data = random.Random(1).randbytes(20 * MIB)
    runner = gateway.add_runner(
        'head -c 5 < "$CADENCE_IN_x" | wc -c; sleep 0.3; cat "$CADENCE_IN_x" | wc -c', inputs=stream("x")
    )
    source = gateway.new_stream()
    source.put_all(data, end=False)
    runner.inputs["x"] = [source]
    assert work(runner)["outcome"] == "succeeded"
    assert runner.text() == ["5", "0"]
    assert runner.input_done == {"x"}


def test_an_input_never_opened_does_not_hold_the_command(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    runner = gateway.add_runner("echo done", inputs=stream("x"))
    source = gateway.new_stream()
    source.put_all(b"x" * MIB)
    runner.inputs["x"] = [source]
    assert work(runner, sandbox)["outcome"] == "succeeded"


def test_an_input_not_opened_yet_does_not_hold_its_producer_back(
    gateway: FakeGateway, start: Start, tmp_path: Path
) -> None:
    """A command may read one output of a producer to its end before it opens another: who is attached limits the
    credits.
    """
    go = tmp_path / "go"
    runner = gateway.add_runner(
        f'cat "$CADENCE_IN_a"; until test -e {go}; do sleep 0.05; done; cat "$CADENCE_IN_b"', inputs=stream("a", "b")
    )
    for port in ("a", "b"):
        source = gateway.new_stream()
        source.put_all(f"all of {port}\n".encode(), end=port == "a")
        runner.inputs[port] = [source]
    unopened = runner.inputs["b"][0]
    start(runner)
    eventually(lambda: runner.text() == ["all of a"])
    assert unopened.consumer_next is None
    assert not unopened.fetched
    unopened.put_all(b"all of b\n")
    go.touch()
    assert runner.done.wait(PATIENCE)
    assert runner.text() == ["all of a", "all of b"]
    assert unopened.consumer_next is None


def test_a_producer_that_fails_ends_a_consumer_that_has_not_opened_its_input(
    gateway: FakeGateway, start: Start
) -> None:
    runner = gateway.add_runner('while true; do sleep 0.05; done; cat "$CADENCE_IN_x"', inputs=stream("x"))
    source = gateway.new_stream()
    runner.inputs["x"] = [source]
    start(runner)
    eventually(lambda: runner.heartbeats)
    source.state = "failed"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "cancelled"


def _interrupted(gateway: FakeGateway, first: bytes, second: bytes) -> tuple[Runner, Callable[[], None]]:
    runner = gateway.add_runner('tee /dev/stderr < "$CADENCE_IN_x" | sha256sum', inputs=stream("x"))
    before = gateway.new_stream(1)
    before.put_all(first, chunk=100, end=False)
    runner.inputs["x"] = [before]

    def new_attempt() -> None:
        eventually(lambda: len("\n".join(runner.text("stderr"))) >= len(first) - 1)
        after = gateway.new_stream(2)
        after.put_all(second, chunk=77)
        with gateway.lock:
            runner.inputs["x"].append(after)

    return runner, new_attempt


def test_a_new_attempt_with_equal_data_goes_on_where_the_old_one_ended(gateway: FakeGateway, start: Start) -> None:
    whole = b"".join(b"line %d\n" % number for number in range(200))
    runner, new_attempt = _interrupted(gateway, whole[: whole.index(b"line 150")], whole)
    start(runner)
    new_attempt()
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "succeeded", runner.completed
    assert runner.text()[0].split()[0] == hashlib.sha256(whole).hexdigest()
    assert runner.text("stderr") == whole.decode().splitlines()


@pytest.mark.parametrize("second", [b"other\n" * 500, b""], ids=["different", "shorter"])
def test_a_new_attempt_with_other_data_is_an_infrastructure_failure(
    gateway: FakeGateway, start: Start, second: bytes
) -> None:
    runner, new_attempt = _interrupted(gateway, b"line\n" * 100, second)
    start(runner)
    new_attempt()
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "infrastructure"
    assert (
        runner.completed["error"]
        == "input x cannot continue: its producer's new attempt sent other data than was already delivered"
    )


def test_a_failed_producer_ends_its_consumer(gateway: FakeGateway, start: Start) -> None:
    runner = gateway.add_runner('cat "$CADENCE_IN_x"', inputs=stream("x"))
    source = gateway.new_stream()
    runner.inputs["x"] = [source]
    start(runner)
    eventually(lambda: runner.heartbeats)
    source.state = "failed"
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert (runner.completed["outcome"], runner.completed["error"]) == ("cancelled", "input x: its producer failed")


def test_a_damaged_chunk_is_noticed(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner('cat "$CADENCE_IN_x" | wc -c', inputs=stream("x"))
    source = gateway.new_stream()
    source.put_all(b"good")
    source.chunks[0] = b"evil"
    runner.inputs["x"] = [source]
    done = work(runner)
    assert done["outcome"] == "infrastructure"
    assert done["error"] == "input x is damaged: its digest differs from the one that its producer announced"


def test_blocks(gateway: FakeGateway, work: Work, sandbox: str) -> None:
    data = random.Random(2).randbytes(9 * MIB)
    runner = gateway.add_runner(
        'cp "$CADENCE_IN_a" "$CADENCE_OUT_b"', inputs=block("a"), outputs=[*block("b"), *block("done", type_="void")]
    )
    source = gateway.new_stream()
    source.put_all(data)
    runner.inputs["a"] = [source]
    assert work(runner, sandbox)["outcome"] == "succeeded"
    assert runner.outputs["b"].content == data
    assert [len(runner.outputs["b"].chunks[seq]) for seq in range(3)] == [8 * MIB, MIB, 0]
    assert runner.outputs["done"].end
    assert runner.outputs["done"].end["size"] == 0


def test_a_block_not_written_is_named(gateway: FakeGateway, work: Work) -> None:
    runner = gateway.add_runner("true", outputs=[*block("wheel"), *stream("log")])
    done = work(runner)
    assert (done["outcome"], done["exit_code"]) == ("failed", 0)
    assert runner.outputs["log"].end is None
    assert done["error"].startswith(
        "output wheel is missing: the command ended well, but the file $CADENCE_OUT_wheel names"
    )


def test_transfers_survive_faults(gateway: FakeGateway, work: Work) -> None:
    """Bursts of 5xx at the store and the gateway, lost answers, and addresses that expired."""
    data = random.Random(3).randbytes(3 * MIB)
    runner = gateway.add_runner('cat "$CADENCE_IN_a" > "$CADENCE_OUT_b"', inputs=stream("a"), outputs=stream("b"))
    source = gateway.new_stream()
    source.put_all(data, chunk=300_000)
    runner.inputs["a"] = [source]
    gateway.fail_next.update({"PUT": 3, "GET": 3, "outputs": 2, "inputs": 2, "heartbeat": 2, "logs": 2, "complete": 2})
    # A chunk that is there is refused when it comes again, as the addresses are signed to be used once.
    gateway.lose_next.update({"PUT": 2, "outputs": 2, "inputs": 2, "complete": 1})
    assert work(runner)["outcome"] == "succeeded"
    assert runner.outputs["b"].content == data


def test_expired_addresses_are_replaced(gateway: FakeGateway, work: Work) -> None:
    data = random.Random(4).randbytes(MIB)
    runner = gateway.add_runner('cat "$CADENCE_IN_a" > "$CADENCE_OUT_b"', inputs=stream("a"), outputs=stream("b"))
    source = gateway.new_stream()
    source.put_all(data, chunk=300_000)
    runner.inputs["a"] = [source]
    gateway.status.update({"PUT": 403, "GET": 403})
    gateway.fail_next.update({"PUT": 2, "GET": 2})
    assert work(runner)["outcome"] == "succeeded"
    assert runner.outputs["b"].content == data


@pytest.mark.parametrize("flow", ["stream", "block"])
def test_a_hundred_outputs_share_requests(gateway: FakeGateway, work: Work, flow: str) -> None:
    ports = [f"p{number}" for number in range(100)]
    write = "; ".join(f'echo {port} > "$CADENCE_OUT_{port}"' for port in ports)
    outputs = [{"port": port, "flow": flow, "type": "byte"} for port in ports]
    runner = gateway.add_runner(f"{write}; echo all are written", outputs=outputs)
    # Else it is the machine's speed that decides how many outputs have news at a time.
    for kind in ("outputs", "all_outputs"):
        gateway.before[kind] = lambda: eventually(lambda: "all are written" in runner.text())
    assert work(runner)["outcome"] == "succeeded"
    assert {port: output.content for port, output in runner.outputs.items()} == {
        port: f"{port}\n".encode() for port in ports
    }
    assert all(output.end for output in runner.outputs.values())
    assert max(gateway.together) == 25
    assert gateway.requests["all_outputs"] + gateway.requests["outputs"] < len(ports)


@pytest.mark.parametrize("flow", ["stream", "block"])
def test_a_hundred_inputs_are_read(gateway: FakeGateway, work: Work, flow: str) -> None:
    ports = [f"p{number}" for number in range(100)]
    read = "cat " + " ".join(f'"$CADENCE_IN_{port}"' for port in ports)
    runner = gateway.add_runner(read, inputs=[{"port": port, "flow": flow, "type": "byte"} for port in ports])
    for port in ports:
        source = gateway.new_stream()
        source.put_all(f"{port}\n".encode())
        runner.inputs[port] = [source]
    assert work(runner)["outcome"] == "succeeded"
    assert runner.text() == ports


def test_an_output_that_is_refused_more_does_not_hold_the_others_back(gateway: FakeGateway, start: Start) -> None:
    """All outputs ask together: what one's consumer has not read yet must not keep another's bytes."""
    runner = gateway.add_runner(
        f'head -c {20 * 8 * MIB} /dev/zero > "$CADENCE_OUT_held" & echo through > "$CADENCE_OUT_free"; wait',
        outputs=stream("held", "free"),
    )
    runner.outputs["held"].consumer_next = 0
    start(runner)
    eventually(lambda: runner.outputs["held"].denied > 3)
    eventually(lambda: runner.outputs["free"].content == b"through\n")
    runner.outputs["held"].consumer_next = 20
    assert runner.done.wait(PATIENCE)
    assert runner.completed
    assert runner.completed["outcome"] == "succeeded"
