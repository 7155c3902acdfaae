"""What real engines uploaded (tests/events/melodium), taken in by the handler: lines, treatments and
values, each once.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import cbor2
import pytest
import time_machine

from cadence.adapters.dynamodb.values.storage_ledger import DynamoStorageLedger
from cadence.adapters.engine_reports import pieces
from cadence.adapters.s3.buckets import Buckets
from cadence.adapters.s3.chunks import S3Chunks
from cadence.adapters.s3.removal import S3Removal
from cadence.domain.melodium.redaction import digest
from cadence.domain.runs.run import Origin
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared.errors import Transient
from tests.integration.melodium.conftest import Engines, start_body

UPLOADED = Path(__file__).parents[2] / "events" / "melodium"
COUNTING, COUNTING_GROUP = "94f16978-aa7e-40e2-9d16-eb77c9c6c8b3", "9f37cfc2-eb8d-4e03-8dff-5386eec85342"
ASKING, WORKER = "5620ae6c-0b7b-4aa5-923c-e1903db42def", "9d4b732d-fead-4470-bc9f-5f302be08e96"
TALKING_GROUP = "a1129948-23e7-4bf4-bbe7-5841a993b85a"
LARGEST = 2**128 - 1


def uploaded(name: str) -> bytes:
    return (UPLOADED / f"{name}.json").read_bytes()


def executes(engines: Engines, run_id: str, package: str, name: str) -> None:
    """What an engine tells before it uploads anything."""
    entrypoint = {"version": "0.1.0", "path": [package], "name": name}
    engines.say(f"execution/report/run/{run_id}/program/details", {"entrypoint": entrypoint, "parameters": {}})


def counting(engines: Engines) -> None:
    engines.say("execution/run/start", start_body(COUNTING, COUNTING_GROUP))
    executes(engines, COUNTING, "counting", "main")


def talking(engines: Engines) -> None:
    """A worker that was started by hand names no parent."""
    engines.say("execution/run/start", start_body(ASKING, TALKING_GROUP))
    executes(engines, ASKING, "echo", "main")
    engines.say("execution/run/start", start_body(WORKER, TALKING_GROUP, mode="distribution", tags=[]))


def content(engines: Engines, run_id: str, treatment: str, port: str) -> bytes:
    value = engines.runs.get_value(run_id, treatment, port)
    chunks = S3Chunks(Buckets("data"))
    return b"".join(chunks.read_whole([value.chunk_key(number) for number in range(value.chunks)]))


def states(engines: Engines, run_id: str) -> dict[str, str]:
    return {one.name: one.state.value for one in engines.runs.list_elements(run_id)}


def test_a_program_is_rebuilt_with_every_digit(engines: Engines) -> None:
    counting(engines)
    for name in ("program", "debug", "logs"):
        stream = {"program": "program.json", "debug": "debug/debug_0.json", "logs": "logs/logs_0.json"}[name]
        engines.upload(COUNTING, stream, uploaded(f"counting-{name}"))
    assert set(states(engines, COUNTING).values()) == {"succeeded"}
    assert {"main/startup/ready", "main/numbers/sink/last", "main/words/flat"} <= set(states(engines, COUNTING))
    spec = engines.runs.get_spec(COUNTING, "main/numbers/numberStream")
    assert [(one.port, one.flow, one.type, one.source_treatment) for one in spec.inputs] == [
        ("block", "block", "u128", "main/numbers/emitNumber")
    ]
    assert spec.element is not None and spec.element.generics == {"T": "u128"}
    assert content(engines, COUNTING, "main/numbers/numberStream", "stream") == b"%d\n" % LARGEST
    assert content(engines, COUNTING, "main/words/flat", "value") == b"t"
    assert engines.lines() == [(COUNTING, 1, "end", "info", "counted")]
    evidence = engines.reported.evidence(COUNTING)
    assert (evidence.over, evidence.debug_chunks, evidence.logs_chunks, evidence.errors) == (True, 1, 1, 0)


def test_what_engines_report_counts_in_the_storage_of_the_project(engines: Engines) -> None:
    """All that is kept of values, so that removing them leaves nothing counted and nothing owed."""
    counting(engines)
    engines.upload(COUNTING, "program.json", uploaded("counting-program"))
    engines.upload(COUNTING, "debug/debug_0.json", uploaded("counting-debug"))
    run = engines.runs.get_run(COUNTING)
    use = DynamoStorageLedger("runners", timedelta(days=30)).read(run.organization, run.project)
    removed = S3Removal(Buckets("data")).remove_values(f"runs/{COUNTING}/")
    assert use.used == sum(removed.days.values()) > 0


def test_a_port_of_what_is_made_of_others_leads_to_the_one_that_sends(engines: Engines) -> None:
    counting(engines)
    engines.upload(COUNTING, "program.json", uploaded("counting-program"))
    engines.upload(COUNTING, "debug/debug_0.json", uploaded("counting-debug"))
    outer = engines.runs.get_value(COUNTING, "main/words", "count")
    assert (outer.type, outer.flow, outer.origin) == ("void", "block", Origin(COUNTING, "main/words/seen", "end"))
    assert content(engines, COUNTING, "main/words", "count") == b"null\n"
    over = engines.runs.get_spec(COUNTING, "main/over")
    assert [(one.port, one.source_treatment, one.source_port) for one in over.inputs] == [
        ("trigger", "main/words/seen", "end")
    ]


def test_nothing_secret_is_kept_and_what_was_uploaded_is_removed(engines: Engines) -> None:
    counting(engines)
    engines.upload(COUNTING, "program.json", uploaded("counting-program"))
    entry = json.loads(uploaded("counting-logs"))[0] | {"message": "the token is hidden-from-all, as ever"}
    engines.upload(COUNTING, "logs/logs_0.json", json.dumps([entry], separators=(",", ":")).encode())
    assert b"hidden-from-all" in uploaded("counting-program")
    assert b"hidden-from-all" not in engines.everything_kept()
    assert engines.keys("uploads/") == []
    assert [text for *_, text in engines.lines()] == ["the token is ***, as ever"]


def test_keys_of_workers_are_not_kept(engines: Engines) -> None:
    talking(engines)
    raw = uploaded("asking-debug")
    engines.upload(ASKING, "debug/debug_0.json", raw)
    access = next(
        value["data"]
        for event in json.loads(raw)
        if isinstance(event["kind"], dict)
        for value in event["kind"].get("data_sent", {}).get("data", {}).get("values", {}).get("values", ())
        if "data" in value and value["data"][0]["name"] == "Access"
    )
    assert access[1]
    key = cbor2.loads(bytes(access[1]))["remote_key"]
    known_as = digest(str(uuid.UUID(bytes=key)))
    assert json.loads(content(engines, ASKING, "main/where", "emit")) == {"redacted": True, "known_as": known_as}
    kept = engines.everything_kept()
    assert bytes(access[1]) not in kept and key not in kept and str(uuid.UUID(bytes=key)).encode() not in kept


def test_a_program_that_comes_late_tells_the_types_all_the_same(engines: Engines) -> None:
    counting(engines)
    engines.upload(COUNTING, "debug/debug_0.json", uploaded("counting-debug"))
    assert engines.runs.get_spec(COUNTING, "main/words/fill").inputs[0].flow == "stream"
    engines.upload(COUNTING, "program.json", uploaded("counting-program"))
    block = engines.runs.get_spec(COUNTING, "main/words/howMany")
    assert [(given.port, given.flow) for given in block.inputs] == [("trigger", "block")]
    assert [(out.port, out.flow) for out in block.outputs] == [("emit", "block")]


def split(chunk: bytes, sizes: int) -> Sequence[bytes]:
    events = json.loads(chunk)
    parts = [events[start : start + sizes] for start in range(0, len(events), sizes)]
    return [json.dumps(part, separators=(",", ":")).encode() for part in parts]


@pytest.mark.parametrize("size", [1_000, 40, 9])
def test_however_it_is_cut_and_repeated_the_same_comes_of_it(engines: Engines, size: int) -> None:
    counting(engines)
    engines.upload(COUNTING, "program.json", uploaded("counting-program"))
    for number, chunk in enumerate(split(uploaded("counting-debug"), size)):
        engines.upload(COUNTING, f"debug/debug_{number}.json", chunk)
        engines.upload(COUNTING, f"debug/debug_{number}.json", chunk)  # its answer was lost
        engines.told(f"uploads/{COUNTING}/debug/debug_{number}.json")  # the bucket may say it twice
    for _ in range(2):
        engines.upload(COUNTING, "logs/logs_0.json", uploaded("counting-logs"))
    assert content(engines, COUNTING, "main/words/fill", "filled") == b'"tick"\n' * 3
    assert content(engines, COUNTING, "main/numbers/numberStream", "stream") == b"%d\n" % LARGEST
    assert engines.runs.get_value(COUNTING, "main/words/asBytes", "data").size == 51
    assert set(states(engines, COUNTING).values()) == {"succeeded"} and len(states(engines, COUNTING)) == 18
    assert engines.lines() == [(COUNTING, 1, "end", "info", "counted")]


def upload_of(engines: Engines, who: str) -> None:
    run_id = {"asking": ASKING, "worker": WORKER}[who]
    engines.upload(run_id, "program.json", uploaded(f"{who}-program"))
    engines.upload(run_id, "debug/debug_0.json", uploaded(f"{who}-debug"))
    engines.upload(run_id, "logs/logs_0.json", uploaded(f"{who}-logs"))


@pytest.mark.parametrize("order", [("asking", "worker"), ("worker", "asking")])
def test_what_two_engines_tell_of_is_there_once_and_joined(engines: Engines, order: tuple[str, str]) -> None:
    talking(engines)
    for who in order:
        upload_of(engines, who)
    assert sorted(engines.lines()) == sorted(
        [(WORKER, 1, "worker", "info", "heard it"), (ASKING, 1, "asking", "info", "it came back")]
    )
    said = b'"hello over there"\n'
    assert content(engines, WORKER, "main/through", "passed") == said
    given = engines.runs.get_value(WORKER, "main/Self", "text")
    assert given.origin == Origin(ASKING, "main/talk/saying", "emit")
    assert content(engines, WORKER, "main/Self", "text") == said
    got = engines.runs.get_value(ASKING, "main/talk/take", "data")
    assert got.origin == Origin(WORKER, "main/through", "passed", copied=True)
    assert content(engines, ASKING, "main/talk/take", "data") == said
    through = engines.runs.get_spec(WORKER, "main/through")
    assert (through.inputs[0].source_treatment, through.inputs[0].source_port) == ("main/Self", "text")


def test_of_a_worker_that_could_not_report_the_asking_engine_tells(engines: Engines) -> None:
    talking(engines)
    upload_of(engines, "asking")
    assert (WORKER, 1, "worker", "info", "heard it") in engines.lines()
    told = states(engines, WORKER)
    assert told["main/through"] == "succeeded" and told["main/heard/logBlock"] == "succeeded"
    assert content(engines, WORKER, "main/through", "passed") == b'"hello over there"\n'


def test_nobody_tells_of_runs_that_are_not_its_workers(engines: Engines) -> None:
    talking(engines)
    counting(engines)
    stranger = json.loads(uploaded("counting-logs"))[0] | {"run_id": ASKING, "group_id": TALKING_GROUP}
    engines.upload(COUNTING, "logs/logs_0.json", json.dumps([stranger], separators=(",", ":")).encode())
    assert engines.lines() == [(COUNTING, 1, "end", "info", "counted")]
    # Nor a worker of the run that asked for it.
    upwards = json.loads(uploaded("worker-logs"))[0] | {"run_id": ASKING}
    engines.upload(WORKER, "logs/logs_0.json", json.dumps([upwards], separators=(",", ":")).encode())
    assert {run_id for run_id, *_ in engines.lines()} == {COUNTING, WORKER}


def test_a_process_that_did_not_say_what_it_executes_is_rebuilt_as_well(engines: Engines) -> None:
    engines.say("execution/run/start", start_body(COUNTING, COUNTING_GROUP))
    engines.upload(COUNTING, "debug/debug_0.json", uploaded("counting-debug"))
    assert {"main/startup/ready", "main/words/flat"} <= set(states(engines, COUNTING))


def _pause_with(monkeypatch: pytest.MonkeyPatch, pause: Callable[[float], object]) -> None:
    """Replaces the pauses of this Lambda alone: threads of other tests go on sleeping."""
    monkeypatch.setattr("cadence.composition.melodium_reports.time", SimpleNamespace(sleep=pause))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    _pause_with(monkeypatch, lambda seconds: None)


LATER = timedelta(minutes=1)


def logged(*texts: str) -> bytes:
    entry = json.loads(uploaded("counting-logs"))[0]
    return json.dumps([entry | {"message": text} for text in texts], separators=(",", ":")).encode()


def test_chunks_are_taken_in_in_order_though_the_bucket_tells_of_them_in_another(engines: Engines) -> None:
    counting(engines)
    with pytest.raises(Transient):
        engines.upload(COUNTING, "logs/logs_1.json", logged("three"))
    assert engines.lines() == []
    engines.upload(COUNTING, "logs/logs_0.json", logged("one", "two"))
    engines.told(f"uploads/{COUNTING}/logs/logs_1.json")
    assert [text for *_, text in engines.lines()] == ["one", "two", "three"]
    assert engines.keys("uploads/") == []


def test_a_chunk_that_does_not_come_holds_nothing_up_is_told_of_and_taken_in_late(engines: Engines) -> None:
    counting(engines)
    engines.upload(COUNTING, "logs/logs_0.json", logged("one"))
    with pytest.raises(Transient):
        engines.upload(COUNTING, "logs/logs_3.json", logged("four"))
    with time_machine.travel(datetime.now(UTC) + LATER):
        engines.told(f"uploads/{COUNTING}/logs/logs_3.json")
        gap = "Chunks 1 to 2 of what the engine logged did not come: lines are missing here, unless they come late."
        assert [text for *_, text in engines.lines()] == ["one", gap, "four"]
        assert engines.reported.evidence(COUNTING).logs_chunks == 4
        for _ in range(2):
            engines.upload(COUNTING, "logs/logs_1.json", logged("two"))
        engines.upload(COUNTING, "logs/logs_4.json", logged("five"))
    assert [(number, text) for _, number, label, _, text in engines.lines() if label != "cadence"] == [
        (1, "one"), (2, "four"), (3, "two"), (4, "five")
    ]  # fmt: skip


def test_events_wait_for_the_chunk_before_them_too(engines: Engines) -> None:
    counting(engines)
    chunks = split(uploaded("counting-debug"), 40)
    assert len(chunks) > 2
    for number in reversed(range(1, len(chunks))):
        with pytest.raises(Transient):
            engines.upload(COUNTING, f"debug/debug_{number}.json", chunks[number])
    assert states(engines, COUNTING) == {}
    engines.upload(COUNTING, "debug/debug_0.json", chunks[0])
    assert content(engines, COUNTING, "main/words/fill", "filled") == b'"tick"\n' * 3
    assert engines.reported.evidence(COUNTING).debug_chunks == len(chunks)


@pytest.fixture
def in_pauses(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens in the next pause, once."""
    acts: list[Callable[[], None]] = []
    _pause_with(monkeypatch, lambda seconds: acts.pop()() if acts else None)
    return acts


def test_the_first_events_wait_a_moment_for_the_program(in_pauses: list[Callable[[], None]], engines: Engines) -> None:
    """Without it parts would get names by what they are, and keep them."""
    counting(engines)
    seen: list[dict[str, str]] = []

    def meanwhile() -> None:
        seen.append(states(engines, COUNTING))
        engines.upload(COUNTING, "program.json", uploaded("counting-program"))

    in_pauses.append(meanwhile)
    engines.upload(COUNTING, "debug/debug_0.json", uploaded("counting-debug"))
    assert seen == [{}]
    assert set(states(engines, COUNTING).values()) == {"succeeded"}
    assert engines.keys("uploads/") == []


def test_of_a_worker_only_some_chunks_of_the_asking_engine_tell(engines: Engines) -> None:
    talking(engines)
    own = json.loads(uploaded("counting-logs"))[0] | {"run_id": ASKING, "group_id": TALKING_GROUP}
    told = json.loads(uploaded("worker-logs"))[0]
    for number, entry in enumerate([own, own | {"message": "more"}, told]):
        engines.upload(ASKING, f"logs/logs_{number}.json", json.dumps([entry], separators=(",", ":")).encode())
    assert [text for run_id, *_, text in engines.lines() if run_id == WORKER] == ["heard it"]


UNREADABLE = [
    b"",
    b"{}",
    b"[",
    b'[{"timestamp":"x"',
    b"null",
    b"\xff\xfe",
    b'[{"timestamp":"2026","kind":1}]',
    b"[" * 100_000,
    b"[1,2,3]",
]


@pytest.mark.parametrize("stream", ["logs/logs_{}.json", "debug/debug_{}.json", "program.json"])
def test_what_cannot_be_read_stops_nothing(engines: Engines, stream: str) -> None:
    counting(engines)
    for number, content in enumerate(UNREADABLE):
        engines.upload(COUNTING, stream.format(number), content)
    behind = len(UNREADABLE) if stream.startswith("debug") else 0
    engines.upload(COUNTING, f"debug/debug_{behind}.json", uploaded("counting-debug"))
    assert states(engines, COUNTING)["main/words/fill"] == "succeeded"


def test_what_had_not_ended_when_the_engine_did_is_lost(engines: Engines) -> None:
    counting(engines)
    first, *_ = split(uploaded("counting-debug"), 60)
    engines.upload(COUNTING, "debug/debug_0.json", first)
    engines.say("execution/run/ended", {"run_id": COUNTING, "result": {"failure": ["killed"]}})
    found = {one.name: one for one in engines.runs.list_elements(COUNTING)}
    assert found["main/words/flat"].state is TreatmentState.LOST
    assert all(one.state.final for one in found.values())


def test_elements_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = uploaded("asking-debug")
    expected = [json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() for event in json.loads(whole)]
    for block in (1, 7, 100, 4096):
        monkeypatch.setattr(pieces, "BLOCK", block)
        assert list(pieces.elements(Reading(whole))) == expected
        spread = json.dumps(json.loads(whole), indent=1).encode()
        assert [json.loads(one) for one in pieces.elements(Reading(spread))] == json.loads(whole)


class Reading:
    def __init__(self, content: bytes) -> None:
        self._rest = content

    def read(self, amount: int, /) -> bytes:
        taken, self._rest = self._rest[:amount], self._rest[amount:]
        return taken
