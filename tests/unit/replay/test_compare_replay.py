"""A replay held against the original, over stores in memory."""

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from cadence.application.replay.compare_replay import LONGEST_COMPARED, CompareReplay, ReplayComparison
from cadence.domain.pipelines.specification import OutputSpec, TreatmentSpec
from cadence.domain.replay.kinds import DifferenceKind
from cadence.domain.replay.verdict import ReplayVerdict
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import ReplayOf, Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import InvalidRequest, NotFound
from tests.fakes.runners import MemoryRunnerStore
from tests.fakes.runs import MemoryRunStore
from tests.fakes.services import ManualClock, MemoryChunks

S = TreatmentState
OF = ReplayOf("01a", "t")
SPEC = TreatmentSpec(
    name="t",
    run="true",
    outputs=(OutputSpec(port="out", flow="stream", type="string"), OutputSpec(port="json", flow="block", type="f64")),
)


class Replays:
    def __init__(self) -> None:
        self.names: list[str] = []

    def note(self, original: ReplayOf, run_id: str, at: datetime) -> None:
        self.names.append(run_id)

    def newest(self, original: ReplayOf, limit: int) -> Sequence[str]:
        return self.names[::-1][:limit]


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.runs, self.runners, self.chunks, self.replays = (
            MemoryRunStore(), MemoryRunnerStore(), MemoryChunks(), Replays(),
        )  # fmt: skip
        self.use_case = CompareReplay(
            runs=self.runs,
            treatments=self.runs,
            values=self.runs,
            runners=self.runners,
            chunks=self.chunks,
            store=self.replays,
        )

    def ran(
        self,
        run_id: str,
        state: TreatmentState = S.SUCCEEDED,
        exit_code: int | None = 0,
        *,
        offline: bool = False,
        host: str = "h",
        **sent: bytes,
    ) -> None:
        """An execution of ten seconds; each begins an hour after the one before it."""
        self.clock.advance(timedelta(hours=1))
        begin = self.clock.now
        replay_of = None if run_id == OF.run_id else OF
        if replay_of:
            self.replays.note(OF, run_id, begin)
        self.runs.create_run(
            Run(run_id=run_id, organization="acme", project="site", pipeline="p", state=RunState.RUNNING, created_at=begin, document_sha256="", plan_sha256="", replay_of=replay_of)
        )  # fmt: skip
        treatment = Treatment(
            run_id=run_id, name="t", state=state, waiting=0, exit_code=exit_code, cause="it was so", started_at=begin,
            finished_at=begin + timedelta(seconds=10) if state.final else None,
        )  # fmt: skip
        self.runs.admit(run_id, [dataclasses.replace(SPEC, offline=offline)], [treatment], [])
        self.runners.put_runner(
            Runner(
                runner_id=ids.runner_id(run_id, "t", 1),
                run_id=run_id,
                treatment="t",
                attempt=1,
                organization="acme",
                project="site",
                pool="pool",
                provider="host",
                state=RunnerState.COMPLETED,
                created_at=begin,
                facts={"hostname": host},
            )
        )
        for port in SPEC.outputs:
            if port.port in sent:
                self.send(run_id, port, sent[port.port])

    def send(self, run_id: str, port: OutputSpec, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        value = Value(
            run_id=run_id,
            treatment="t",
            port=port.port,
            flow=port.flow,
            type=port.type,
            sha256=digest,
            size=len(content),
            chunks=2,
            attempt=1,
        )
        middle = len(content) // 2
        self.chunks.write(value.chunk_key(0), content[:middle])
        self.chunks.write(value.chunk_key(1), content[middle:])
        self.runs.put_values([value])

    def compared(self, run_id: str = "01b") -> ReplayComparison:
        return self.use_case.compare(self.runs.get_run(run_id))


@pytest.fixture
def world() -> World:
    return World()


def test_the_same_is_deterministic(world: World) -> None:
    world.ran("01a", out=b"a\n", json=b"1\n")
    world.ran("01b", out=b"a\n", json=b"1\n")
    found = world.compared()
    assert (found.verdict, found.first, found.guesses) == (ReplayVerdict.DETERMINISTIC, None, [])
    assert all(output.equal for output in found.outputs)


def test_how_it_ended_differs_first(world: World) -> None:
    world.ran("01a", out=b"a\n", json=b"1\n")
    world.ran("01b", S.FAILED, 3)
    found = world.compared()
    assert (found.verdict, found.first) == (ReplayVerdict.DIFFERS, "it succeeded then, and failed with exit code 3 now")


def test_a_failure_that_is_the_same_again(world: World) -> None:
    for run_id in ("01a", "01b"):
        world.ran(run_id, S.FAILED, 3)
    assert world.compared().verdict is ReplayVerdict.DETERMINISTIC


def test_the_first_output_that_differs_and_where(world: World) -> None:
    world.ran("01a", out=b"a\nb 1\n", json=b"1\n")
    world.ran("01b", out=b"a\nb 2\n", json=b"2\n")
    found = world.compared()
    assert (found.verdict, found.first) == (ReplayVerdict.DIFFERS, "output out differs first in line 2, column 3")
    assert [output.equal for output in found.outputs] == [False, False]


def test_equal_values_written_differently(world: World) -> None:
    world.ran("01a", out=b"a\n", json=b"1\n")
    world.ran("01b", out=b"a\n", json=b"1.0\n")
    found = world.compared()
    assert found.verdict is ReplayVerdict.EQUIVALENT
    assert found.first == "output json differs first in line 1, column 2 (the values are equal)"


def test_its_own_time_is_named(world: World) -> None:
    for run_id in ("01a", "01b"):
        written = (world.clock.now + timedelta(hours=1, seconds=4)).isoformat()
        world.ran(run_id, out=f"at {written}\n".encode(), json=b"1\n")
    assert [guess.kind for guess in world.compared().guesses] == [DifferenceKind.TIME]


def test_earlier_replays_are_evidence(world: World) -> None:
    world.ran("01a", out=b"17\n", json=b"1\n")
    world.ran("01b", out=b"42\n", json=b"1\n")
    assert [guess.kind for guess in world.compared().guesses] == [DifferenceKind.UNKNOWN]
    world.ran("01c", out=b"3\n", json=b"1\n", offline=True)
    world.ran("01d", S.LOST, None)
    found = world.compared()
    assert [guess.kind for guess in found.guesses] == [DifferenceKind.RANDOM]
    assert found.considered == ["01c"]


def test_what_is_no_longer_kept_is_compared_by_its_digest(world: World) -> None:
    world.ran("01a", out=b"17\n", json=b"1\n")
    world.ran("01b", out=b"42\n", json=b"1\n")
    world.chunks.contents.clear()
    found = world.compared()
    assert found.verdict is ReplayVerdict.DIFFERS
    assert found.first == "output out differs; what was sent is no longer kept, only its digest"
    world.ran("01c", out=b"17\n", json=b"1\n")
    world.chunks.contents.clear()
    assert world.compared("01c").verdict is ReplayVerdict.DETERMINISTIC


def test_what_is_very_long_is_compared_from_its_beginning(world: World) -> None:
    start = bytes(LONGEST_COMPARED)
    world.ran("01a", json=start + b"1")
    world.ran("01b", json=start + b"2")
    assert world.compared().first == f"output json differs; the first {LONGEST_COMPARED:,} bytes are the same"


def test_what_is_read_of_all_outputs_together_is_bounded(world: World) -> None:
    for run_id, last in (("01a", b"1"), ("01b", b"2")):
        world.ran(run_id, out=b"x" * LONGEST_COMPARED + last, json=last)
    assert [output.note for output in world.compared().outputs] == [
        f"the first {LONGEST_COMPARED:,} bytes are the same",
        "only its digest was compared",
    ]


def test_an_end_that_is_not_its_own_says_nothing(world: World) -> None:
    world.ran("01a", out=b"17\n", json=b"1\n")
    world.ran("01b", S.LOST, None)
    found = world.compared()
    assert (found.verdict, found.first) == (ReplayVerdict.INCONCLUSIVE, "The replay ended lost: it was so")


def test_a_replay_that_goes_on_or_has_not_begun(world: World) -> None:
    world.ran("01a", out=b"17\n", json=b"1\n")
    world.ran("01b", S.RUNNING, None)
    assert world.compared().verdict is ReplayVerdict.PENDING
    del world.runs.treatments["01b", "t"]
    assert world.compared().verdict is ReplayVerdict.PENDING


def test_what_is_no_replay_and_what_is_gone(world: World) -> None:
    world.ran("01a")
    with pytest.raises(InvalidRequest, match="is no replay"):
        world.compared("01a")
    world.ran("01b")
    del world.runs.runs["01a"]
    with pytest.raises(NotFound, match="Run 01a, which was replayed, is no longer kept"):
        world.compared()
