"""Chunks from a producer to its consumer: commits, credits, epochs."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import pytest

from cadence.adapters.dynamodb.runners.samples import DynamoSampleStore
from cadence.adapters.dynamodb.runs.groups import DynamoGroupStore
from cadence.application.limits.concurrency_limits import ConcurrencyLimits
from cadence.application.limits.runner_slots import RunnerSlots
from cadence.application.runners.complete import Complete
from cadence.application.runners.heartbeat import Heartbeat
from cadence.application.runners.inputs import DOWNLOADS, ChunkUrl, InputAnswer, ReadInput
from cadence.application.runners.outputs import CommitOutput, OutputAnswer
from cadence.application.runners.runner_sessions import RunnerSessions
from cadence.application.runners.runner_tokens import token_hash
from cadence.application.scheduling.readiness import Readiness
from cadence.application.scheduling.settle import Settle
from cadence.application.shared.runner_ports import FollowedRunner
from cadence.application.shared.value_ports import StoredObject
from cadence.domain.pipelines.specification import SOURCE_PORT, InputSpec, StoredContent, TreatmentSpec
from cadence.domain.runners.resources import ResourceSample
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, Gone, InvalidRequest, NotFound, Unauthenticated
from cadence.domain.values.stream import WINDOW, Chunk, InputState, StreamEnd
from tests.fakes.concurrency_limits import MemoryConcurrencyLimitStore
from tests.fakes.gates import MemoryQuotas
from tests.fakes.runners import MemoryStepReports, MemorySummaries
from tests.fakes.services import MemoryWakeUps
from tests.integration.runners.conftest import RUN_ID, World

EMPTY = hashlib.sha256(b"").hexdigest()


def chunks(first: int, count: int, size: int = 10) -> list[Chunk]:
    return [Chunk(seq, size, hashlib.sha256(str(seq).encode()).hexdigest()) for seq in range(first, first + count)]


class Flow:
    """The producer `make` and the consumer `test`, both claimed and running."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wake_ups = MemoryWakeUps()
        self.notified: list[tuple[str, str]] = []
        self.commit = CommitOutput(
            specs=world.runs.get_spec,
            runners=world.runners,
            streams=world.streams,
            urls=world.urls,
            wake_ups=self.wake_ups,
            reserve=lambda *_: None,
            stored=lambda addresses: [self.stored.get(address) for address in addresses],
            notify=lambda organization, run_id: self.notified.append((organization, run_id)),
        )
        # What the bucket has, by address: what was reported, unless a test says otherwise.
        self.stored: dict[str, StoredObject] = {}
        self.read = world.read_input
        self.samples = DynamoSampleStore("runners")
        self.heartbeat = Heartbeat(
            specs=world.runs.get_spec,
            runners=world.runners,
            sources=world.sources,
            samples=self.samples,
            step_reports=MemoryStepReports(),
            clock=world.clock,
            permitted_shells=self.shells_of,
        )
        self.make = self.running("make")
        self.test = self.running("test")

    def shells_of(self, runner: Runner) -> dict[str, str]:
        """The users of the shells that the runner has: all of them are permitted."""
        return {shell: held.by for shell, held in runner.shells.items()}

    def running(self, treatment: str, attempt: int = 1) -> Runner:
        runner_id = self.world.launch(treatment, attempt)
        self.world.move(treatment, TreatmentState.RUNNING, attempt)
        session = token_hash(f"session of {treatment}")
        return self.world.runners.change_runner(
            runner_id, {RunnerState.OFFERED}, state=RunnerState.CLAIMED, session_hash=session
        )

    def send(
        self,
        committed: Sequence[Chunk] = (),
        end: StreamEnd | None = None,
        next_seq: int = 0,
        want: int = 0,
        by: Runner | None = None,
    ) -> OutputAnswer:
        sender = by or self.make
        self.upload(committed, sender)
        return self.commit.commit(sender, "wheel", committed, end, next_seq, chunks(next_seq, want))

    def upload(self, sent: Sequence[Chunk], by: Runner | None = None, port: str = "wheel") -> None:
        of = by or self.make
        for chunk in sent:
            key = ids.chunk_key(of.run_id, of.treatment, of.attempt, port, chunk.seq)
            self.stored[key] = StoredObject(chunk.size, chunk.sha256)

    def ask(self, next_seq: int = 0, epoch: int = 1, done: bool = False) -> InputAnswer:
        return self.read.read(self.test, "wheel", epoch, next_seq, done)

    def ended(self, count: int, by: Runner | None = None) -> StreamEnd:
        sent = [*chunks(0, count), Chunk(count, 0, EMPTY)]
        whole = sent[0].sha256 if count <= 1 else hashlib.sha256(b"all").hexdigest()
        end = StreamEnd(count * 10, whole, count, b"preview")
        self.send(sent, end, by=by)
        return end


@pytest.fixture
def flow(world: World) -> Flow:
    return Flow(world)


def seqs(urls: Sequence[ChunkUrl]) -> list[int]:
    return [each.seq for each in urls]


def test_the_first_chunks_go_with_the_assignment_and_attach_nobody(flow: Flow) -> None:
    spec = flow.world.runs.get_spec(flow.test.run_id, "test")
    (live,) = flow.read.first_chunks(flow.test.run_id, spec).values()
    assert (live.state, live.epoch, live.end) == (InputState.OPEN, 1, None)
    assert seqs(live.downloads) == list(range(8))
    assert flow.world.streams.consumers(flow.make.runner_id, "wheel") == {}
    asked = flow.ask(epoch=live.epoch)
    assert [url.url.partition("?")[0] for url in asked.downloads] == [
        url.url.partition("?")[0] for url in live.downloads
    ]
    assert flow.world.streams.consumers(flow.make.runner_id, "wheel") == {flow.test.runner_id: 0}
    flow.ask(epoch=live.epoch, done=True)

    end = flow.ended(20)
    (answer,) = flow.read.first_chunks(flow.test.run_id, spec).values()
    assert (answer.state, answer.epoch, answer.end) == (InputState.ENDED, 1, end)
    assert seqs(answer.downloads) == list(range(8))
    assert flow.world.streams.consumers(flow.make.runner_id, "wheel") == {}


def test_content_that_no_treatment_sent_goes_with_the_assignment_and_can_be_read_again(flow: Flow) -> None:
    stored = StoredContent(prefix="sources/default/default/abc/", size=30, sha256="a" * 64, chunks=3)
    port = InputSpec(port=SOURCE_PORT, flow="block", type="byte", path="./", stored=stored)
    spec = TreatmentSpec(name="build", run="make", inputs=(port,))
    reading = ReadInput(lambda run_id, name: spec, flow.world.streams, flow.world.sources, flow.world.urls)

    (first,) = reading.first_chunks(RUN_ID, spec).values()
    again = reading.read(flow.test, SOURCE_PORT, 1, 1)
    done = reading.read(flow.test, SOURCE_PORT, 1, 3, done=True)

    assert (first.state, first.end) == (InputState.ENDED, StreamEnd(30, "a" * 64, 3))
    assert [("sources/default/default/abc/" in url.url, url.seq) for url in first.downloads] == [
        (True, 0),
        (True, 1),
        (True, 2),
    ]
    assert (seqs(again.downloads), again.retry_after, list(done.downloads)) == ([1, 2], 0.0, [])


def test_committing_again_changes_nothing(flow: Flow) -> None:
    flow.send(chunks(0, 3))
    flow.send(chunks(0, 3))
    flow.send(chunks(2, 3))
    progress = flow.world.streams.get_progress(flow.make.runner_id, "wheel")
    assert (progress.next_seq, progress.size, progress.end) == (5, 50, None)
    assert flow.world.streams.list_chunks(flow.make.runner_id, "wheel", 1, 3) == chunks(1, 3)


def test_each_commit_of_a_stream_is_announced_but_not_what_a_failed_attempt_keeps(flow: Flow) -> None:
    flow.send(want=1)
    assert flow.notified == []
    flow.send(chunks(0, 3))
    flow.ended(3, by=flow.make)
    assert flow.notified == [(flow.make.organization, flow.make.run_id)] * 2


def test_chunks_are_found_across_rows(flow: Flow) -> None:
    for first in range(0, 150, 50):
        flow.send(chunks(first, 50))
    assert flow.world.streams.list_chunks(flow.make.runner_id, "wheel", 70, 64) == chunks(70, 64)
    assert flow.world.streams.list_chunks(flow.make.runner_id, "wheel", 149, 64) == chunks(149, 1)


def test_a_gap_is_refused(flow: Flow) -> None:
    with pytest.raises(Conflict) as refused:
        flow.send(chunks(1, 1))
    assert refused.value.details == {"expected": 0}


def test_an_end_must_fit_what_was_committed(flow: Flow) -> None:
    flow.send([*chunks(0, 2), Chunk(2, 0, EMPTY)])
    with pytest.raises(Conflict):
        flow.send(end=StreamEnd(20, EMPTY, 3))
    with pytest.raises(Conflict):
        flow.send(end=StreamEnd(21, EMPTY, 2))
    end = StreamEnd(20, "ab" * 32, 2, b"x")
    flow.send(end=end)
    flow.send(end=end)
    with pytest.raises(Conflict):
        flow.send(end=StreamEnd(20, "cd" * 32, 2, b"x"))
    with pytest.raises(Conflict):
        flow.send(chunks(3, 1))
    (output,) = flow.world.runners.list_outputs(flow.make.runner_id)
    assert (output.port, output.committed, output.size, output.ended) == ("wheel", 2, 20, True)
    assert (output.sha256, output.preview) == ("ab" * 32, b"x")


def test_nothing_follows_the_empty_chunk(flow: Flow) -> None:
    with pytest.raises(InvalidRequest):
        flow.send([Chunk(0, 0, EMPTY), *chunks(1, 1)])


def test_only_declared_ports_exist(flow: Flow) -> None:
    with pytest.raises(NotFound):
        flow.commit.commit(flow.make, "other", [], None, 0, chunks(0, 1))
    with pytest.raises(NotFound):
        flow.read.read(flow.test, "other", 0, 0)


def test_urls_are_of_this_attempt_and_bounded(flow: Flow) -> None:
    answer = flow.send(next_seq=0, want=64)
    assert seqs(answer.uploads) == list(range(64))
    assert f"/runs/{RUN_ID}/values/make/1/wheel/{0:012}?" in answer.uploads[0].url
    assert flow.send(next_seq=1000, want=64).uploads == []


def test_a_producer_waits_for_its_slowest_consumer(flow: Flow) -> None:
    assert seqs(flow.ask(epoch=0).downloads) == list(range(DOWNLOADS))
    assert seqs(flow.send(next_seq=0, want=64).uploads) == list(range(WINDOW))
    waiting = flow.send(chunks(0, WINDOW), next_seq=WINDOW, want=8)
    assert waiting.uploads == []
    assert 0 < waiting.retry_after <= 1
    flow.ask(next_seq=4)
    assert seqs(flow.send(next_seq=WINDOW, want=8).uploads) == [16, 17, 18, 19]


@pytest.mark.parametrize("leaving", ["done", "lost"])
def test_a_consumer_that_is_gone_holds_nobody_back(flow: Flow, leaving: str) -> None:
    flow.ask(epoch=0)
    if leaving == "done":
        flow.ask(done=True)
    else:
        flow.world.runners.change_runner(flow.test.runner_id, {RunnerState.CLAIMED}, state=RunnerState.LOST)
    assert len(flow.send(next_seq=0, want=64).uploads) == 64


def test_a_stream_that_has_ended_is_read_to_its_end(flow: Flow) -> None:
    end = flow.ended(10)
    answer = flow.ask(next_seq=6)
    assert (answer.state, answer.end) == (InputState.ENDED, end)
    assert seqs(answer.downloads) == [6, 7, 8, 9]
    assert flow.ask(next_seq=10).downloads == []


def test_a_new_attempt_is_a_new_epoch_read_from_its_start(flow: Flow) -> None:
    flow.send(chunks(0, 5))
    flow.ask(next_seq=5)
    flow.world.move("make", TreatmentState.PLACING, attempt=2)
    between = flow.ask(next_seq=5)
    assert (between.epoch, between.state, between.downloads) == (2, InputState.OPEN, ())
    assert between.retry_after > 0
    second = flow.running("make", attempt=2)
    answer = flow.ask(next_seq=5)
    assert (answer.epoch, seqs(answer.downloads)) == (2, list(range(DOWNLOADS)))
    assert "/values/make/2/wheel/" in answer.downloads[0].url
    end = flow.ended(1, by=second)
    assert flow.ask(epoch=2).end == end


def test_an_input_fails_with_its_producer(flow: Flow) -> None:
    flow.ended(1)
    flow.world.move("make", TreatmentState.FAILED)
    answer = flow.ask()
    assert (answer.state, answer.downloads) == (InputState.FAILED, ())


def test_a_heartbeat_renews_the_lease_and_tells_the_news(flow: Flow) -> None:
    runner = flow.world.runners.get_runner(flow.test.runner_id)
    began = flow.world.clock()
    first = ResourceSample(at=began, cpu_ms=5, memory=100, read_bytes=0, write_bytes=0, processes=2)
    second = ResourceSample(
        at=began + timedelta(seconds=1),
        cpu_ms=9,
        memory=50,
        read_bytes=0,
        write_bytes=0,
        processes=1,
        rx_bytes=7,
        tx_bytes=8,
        disk_bytes=4096,
        shared_network=True,
    )
    flow.heartbeat.beat(FollowedRunner(runner), "running", [first])
    # Its answer was lost, so the same sample comes again, with the next one.
    answer = flow.heartbeat.beat(FollowedRunner(runner), "running", [first, second])
    assert flow.samples.list_samples(runner.runner_id) == [first, second]
    assert (answer.cancel, answer.follow) == (None, False)
    assert (answer.inputs["wheel"].epoch, answer.inputs["wheel"].state) == (1, InputState.OPEN)
    flow.world.clock.pass_time(10)
    flow.world.runners.change_runner(runner.runner_id, {RunnerState.CLAIMED}, cancel_reason="enough")
    runner = flow.world.runners.get_runner(runner.runner_id)
    assert flow.heartbeat.beat(FollowedRunner(runner), "running", []).cancel == "enough"
    kept = flow.world.runners.get_runner(runner.runner_id)
    assert (kept.peaks["cpu_ms"], kept.peaks["memory"], kept.phase) == (9, 100, "running")
    assert kept.peaks["disk_bytes"] == 4096
    assert kept.lease_until is not None
    assert kept.lease_until > flow.world.clock()


def test_a_runner_declared_lost_meanwhile_hears_so(flow: Flow) -> None:
    stale = flow.world.runners.get_runner(flow.test.runner_id)
    assert flow.world.runners.declare_lost(stale)
    with pytest.raises(Gone):
        flow.heartbeat.beat(FollowedRunner(stale), "running", [])


def test_a_runner_that_has_just_renewed_its_lease_is_not_lost(flow: Flow) -> None:
    stale = flow.world.runners.get_runner(flow.test.runner_id)
    flow.heartbeat.beat(FollowedRunner(stale), "running", [])
    assert not flow.world.runners.declare_lost(stale)


def test_a_result_is_kept_once(flow: Flow) -> None:
    world = flow.world
    readiness = Readiness(
        runs=world.runs,
        treatments=world.runs,
        values=world.runs,
        edges=world.runs,
        groups=DynamoGroupStore("runs"),
        machines=world.machines,
        wake_ups=MemoryWakeUps(),
        clock=world.clock,
    )
    concurrency_limits = ConcurrencyLimits(
        MemoryConcurrencyLimitStore(), world.deadlines, world.clock, lambda attempt: None
    )
    slots = RunnerSlots(world.runs, world.machines, concurrency_limits, MemoryQuotas())
    settle = Settle(
        ended=lambda _: None,
        treatments=world.runs,
        values=world.runs,
        runners=world.runners,
        readiness=readiness,
        slots=slots,
        provider_function_prefix="provider-",
        deadlines=world.deadlines,
        clock=world.clock,
    )
    sessions = RunnerSessions(world.runners)
    complete = Complete(
        sessions, world.runners, settle, world.machines, lambda _: None, MemorySummaries(), MemoryStepReports()
    )
    result = RunnerResult(
        outcome=RunnerOutcome.SUCCEEDED, exit_code=0, started_at=flow.world.clock(), usage={"cpu_ms": 5}
    )
    for wrong in ("Bearer session of test", "Bearer anything"):
        with pytest.raises(Unauthenticated):
            complete.complete(flow.make.runner_id, wrong, result)
    with pytest.raises(Unauthenticated):
        complete.complete("no-such-runner-1", "Bearer session of make", result)
    assert flow.world.runners.get_runner(flow.make.runner_id).result is None
    of_make, of_test = "Bearer session of make", "Bearer session of test"
    complete.complete(flow.make.runner_id, of_make, result)
    complete.complete(flow.make.runner_id, of_make, result)
    assert [(token, told["next"]) for token, told in world.machines.succeeded] == [("launch-token", "settle")] * 2
    with pytest.raises(Conflict):
        complete.complete(flow.make.runner_id, of_make, RunnerResult(outcome=RunnerOutcome.FAILED, exit_code=1))
    flow.world.release.release(flow.make.runner_id)
    complete.complete(flow.make.runner_id, of_make, result)
    with pytest.raises(Unauthenticated):
        complete.complete(flow.make.runner_id, of_test, result)
    assert flow.world.runners.get_runner(flow.make.runner_id).result == result
    flow.world.runners.declare_lost(flow.test)
    with pytest.raises(Gone):
        complete.complete(flow.test.runner_id, of_test, result)


def test_an_output_of_a_failed_attempt_is_kept_apart_from_what_feeds_consumers(flow: Flow) -> None:
    sent = [*chunks(0, 1), Chunk(1, 0, EMPTY)]
    end = StreamEnd(10, sent[0].sha256, 1, b"x")
    flow.upload(sent, port="~wheel")
    for _ in range(2):
        flow.commit.commit(flow.make, "wheel", sent, end, 2, (), kept=True)
    granted = flow.commit.commit(flow.make, "wheel", [], None, 0, chunks(0, 1), kept=True)

    assert granted.uploads == ()
    assert flow.world.streams.get_progress(flow.make.runner_id, "wheel").end is None
    assert flow.world.streams.get_progress(flow.make.runner_id, "~wheel").end == end
    assert flow.ask().end is None
    assert flow.wake_ups.asked == []


def test_uploads_of_kept_outputs_have_addresses_of_their_own(flow: Flow) -> None:
    granted = flow.commit.commit(flow.make, "wheel", [], None, 0, chunks(0, 1), kept=True)
    fed = flow.send(want=1)
    assert "/make/1/~wheel/" in granted.uploads[0].url
    assert "/make/1/wheel/" in fed.uploads[0].url


@pytest.mark.parametrize(
    ("in_bucket", "problem"),
    [
        (None, "not in the bucket"),
        (StoredObject(9, chunks(1, 1)[0].sha256), "the bucket has 9 bytes"),
        (StoredObject(10, "ab" * 32), f"the bucket has 10 bytes with {'ab' * 32}"),
        (StoredObject(10, None), "no SHA-256"),
    ],
    ids=["nothing", "shorter", "another-digest", "no-digest"],
)
def test_a_chunk_that_the_bucket_contradicts_is_refused(
    flow: Flow, in_bucket: StoredObject | None, problem: str
) -> None:
    sent = [*chunks(0, 2), Chunk(2, 0, EMPTY)]
    end = StreamEnd(20, "0" * 64, 2)
    flow.upload(sent)
    key = ids.chunk_key(flow.make.run_id, "make", 1, "wheel", 1)
    right = flow.stored.pop(key)
    if in_bucket:
        flow.stored[key] = in_bucket
    with pytest.raises(Conflict, match=problem):
        flow.commit.commit(flow.make, "wheel", sent, end, 3, ())
    assert flow.world.streams.get_progress(flow.make.runner_id, "wheel").next_seq == 0
    flow.stored[key] = right
    flow.commit.commit(flow.make, "wheel", sent, end, 3, ())
    assert flow.world.streams.get_progress(flow.make.runner_id, "wheel").end == end


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("together", [True, False])
def test_the_digest_of_a_value_of_one_chunk_is_that_of_the_chunk(flow: Flow, count: int, together: bool) -> None:
    sent = [*chunks(0, count), Chunk(count, 0, EMPTY)]
    right = StreamEnd(10 * count, sent[0].sha256, count)
    if not together:
        flow.send(sent)
        sent = []
    with pytest.raises(Conflict, match="its only chunk has"):
        flow.send(sent, StreamEnd(10 * count, "ab" * 32, count))
    flow.send(sent, right)
    assert flow.world.streams.get_progress(flow.make.runner_id, "wheel").end == right
