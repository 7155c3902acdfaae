"""Groups of a matrix: gathered in order, bounded, failing fast."""

import json
import re

import pytest

from cadence.domain.pipelines.specification import OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Cancelled, Gone
from tests.unit.scheduling.setting import RUN, Setting, spec

S = TreatmentState
BLOCK = (OutputSpec(port="n", flow="block", type="u64"),)


def matrix(
    *names: str, outputs: tuple[OutputSpec, ...] = (), flow: str = "block", **fields: object
) -> list[TreatmentSpec]:
    """A group `m`, its instances, and `after`, which follows the group."""
    element = outputs[0].type if outputs else ""
    gathered = tuple(
        OutputSpec(port=o.port, flow=flow, type=element if flow == "stream" or o.flow == "stream" else f"Vec<{o.type}>")
        for o in outputs
    )
    instances = [spec(f"m:{name}", group="m", outputs=outputs) for name in names]
    group = TreatmentSpec(
        name="m",
        kind=TreatmentKind.GATHER,
        instances=tuple(i.name for i in instances),
        outputs=gathered,
        **fields,  # type: ignore[arg-type]
    )
    return [*instances, group, spec("after", after=("m",), outputs=())]


def put_value(setting: Setting, name: str, output: OutputSpec, *chunks: bytes) -> None:
    content = b"".join(chunks)
    for number, chunk in enumerate(chunks):
        setting.chunks.write(ids.chunk_key(RUN, name, 1, output.port, number), chunk)
    setting.runs.put_values(
        [
            Value(
                run_id=RUN,
                treatment=name,
                port=output.port,
                flow=output.flow,
                type=output.type,
                sha256="f" * 64,
                size=len(content),
                chunks=len(chunks),
                attempt=1,
                preview=content[:4096],
            )
        ]
    )


def content(setting: Setting, port: str = "n") -> bytes:
    value = setting.runs.get_value(RUN, "m", port)
    return b"".join(setting.chunks.contents[value.chunk_key(number)] for number in range(value.chunks))


def gathered(setting: Setting) -> TreatmentState:
    assert setting.started()[-1] == "m"
    setting.act.control(RUN, "m", "act-token")
    assert setting.machines.answers["act-token"] == {"next": "done"}
    return setting.state("m")


def end(setting: Setting, name: str, output: OutputSpec | None, *chunks: bytes) -> None:
    if output:
        put_value(setting, name, output, *chunks)
    setting.runs.specs[RUN, name] = spec(name, outputs=())
    assert setting.done(name) == "done"


def test_a_group_waits_for_all_its_instances_and_keeps_their_order(setting: Setting) -> None:
    setting.admitted(*matrix("b", "a", "c", outputs=BLOCK))
    assert setting.started() == ["m:a", "m:b", "m:c"]
    for name, text in (("c", b"3\n"), ("a", b" 1"), ("b", b"2")):
        assert "m" not in setting.started()
        end(setting, f"m:{name}", BLOCK[0], text)
    assert gathered(setting) is S.SUCCEEDED
    assert json.loads(content(setting)) == [2, 1, 3]
    value = setting.runs.get_value(RUN, "m", "n")
    assert (value.type, value.flow, value.preview) == ("Vec<u64>", "block", b"[2, 1, 3]")
    assert setting.started()[-1] == "after"


def test_texts_lose_the_line_end_behind_them_and_nothing_else(setting: Setting) -> None:
    text = OutputSpec(port="n", flow="block", type="string")
    setting.admitted(*matrix("a", "b", outputs=(text,)))
    end(setting, "m:a", text, 'é "x"\n'.encode(), b"y\n\n")
    end(setting, "m:b", text, b"")
    assert gathered(setting) is S.SUCCEEDED
    assert json.loads(content(setting)) == ['é "x"\ny\n', ""]


def test_blocks_become_a_stream_where_a_consumer_wants_one(setting: Setting) -> None:
    setting.admitted(*matrix("a", "b", outputs=BLOCK, flow="stream"))
    end(setting, "m:a", BLOCK[0], b"1\n")
    end(setting, "m:b", BLOCK[0], b"2")
    assert gathered(setting) is S.SUCCEEDED
    assert content(setting) == b"1\n2\n"
    assert setting.chunks.contents[ids.chunk_key(RUN, "m", 1, "n", 1)] == b""  # the end of a stream


def test_streams_follow_each_other_in_fewer_chunks(setting: Setting) -> None:
    stream = OutputSpec(port="n", flow="stream", type="byte")
    setting.admitted(*matrix("a", "b", outputs=(stream,), flow="stream"))
    end(setting, "m:a", stream, *[b"a" * 3 * 1024 * 1024] * 4)
    end(setting, "m:b", stream, b"b")
    assert gathered(setting) is S.SUCCEEDED
    assert content(setting) == b"a" * 12 * 1024 * 1024 + b"b"
    assert setting.runs.get_value(RUN, "m", "n").chunks == 2


def test_a_masked_preview_stays_masked(setting: Setting) -> None:
    text = OutputSpec(port="n", flow="block", type="string")
    setting.admitted(*matrix("a", outputs=(text,)))
    setting.chunks.write(ids.chunk_key(RUN, "m:a", 1, "n", 0), b"secret")
    setting.runs.put_values(
        [
            Value(
                run_id=RUN,
                treatment="m:a",
                port="n",
                flow="block",
                type="string",
                sha256="f" * 64,
                size=6,
                chunks=1,
                attempt=1,
                preview=b"***",
            )
        ]
    )
    end(setting, "m:a", None)
    gathered(setting)
    assert b"secret" not in setting.runs.get_value(RUN, "m", "n").preview


@pytest.mark.parametrize(("content", "says"), [(b"x", "is no u64"), (b"1" * (33 << 20), "at most 33,554,432")])
def test_what_cannot_be_gathered_fails_the_group(setting: Setting, content: bytes, says: str) -> None:
    setting.admitted(*matrix("a", outputs=BLOCK))
    end(setting, "m:a", BLOCK[0], content)
    assert gathered(setting) is S.FAILED
    assert says in str(setting.treatment("m").cause)
    assert setting.state("after") is S.SKIPPED


def test_what_is_gathered_counts_in_the_storage_of_the_project(setting: Setting) -> None:
    setting.admitted(*matrix("a", "b", outputs=BLOCK))
    end(setting, "m:a", BLOCK[0], b"1")
    end(setting, "m:b", BLOCK[0], b"2")
    assert gathered(setting) is S.SUCCEEDED
    run = setting.runs.get_run(RUN)
    assert setting.storage.read(run.organization, run.project).used == len(content(setting)) == len(b"[1, 2]")


def test_nothing_is_gathered_beyond_the_storage_quota(setting: Setting) -> None:
    setting.admitted(*matrix("a", outputs=BLOCK))
    end(setting, "m:a", BLOCK[0], b"1")
    run = setting.runs.get_run(RUN)
    setting.storage.put_limit(run.organization, run.project, 2)
    assert gathered(setting) is S.FAILED
    cause = str(setting.treatment("m").cause)
    assert "output n of its instances cannot be kept: The storage quota of 2 bytes" in cause
    assert setting.storage.read(run.organization, run.project).used == 0


def test_gathering_again_changes_nothing(setting: Setting) -> None:
    setting.admitted(*matrix("a", outputs=BLOCK))
    end(setting, "m:a", BLOCK[0], b"1")
    gathered(setting)
    before = (dict(setting.runs.treatments), dict(setting.chunks.contents))
    setting.act.control(RUN, "m", "another-token")
    assert setting.machines.answers["another-token"] == {"next": "done"}
    assert (setting.runs.treatments, setting.chunks.contents) == before


def test_the_first_that_failed_names_the_cause(setting: Setting) -> None:
    setting.admitted(*matrix("a", "b", "c", fail_fast=False))
    setting.done("m:b", RunnerOutcome.FAILED, "no compiler")
    setting.done("m:a", RunnerOutcome.FAILED, "no disk")
    end(setting, "m:c", None)
    assert setting.wake_ups.asked == [(RUN, "m", True), (RUN, "m", True)]
    setting.wake.wake(RUN, "m", failed=True)
    assert gathered(setting) is S.FAILED
    assert setting.treatment("m").cause == "m:a failed: no disk; 1 more failed"


def test_failing_fast_ends_the_others_wherever_they_are(setting: Setting) -> None:
    setting.admitted(*matrix("ready", "offered", "running", "bad", "good"))
    end(setting, "m:good", None)
    setting.launched("m:offered")
    setting.running("m:running")
    setting.done("m:bad", RunnerOutcome.FAILED, "no disk")
    for _ in range(2):
        setting.wake.wake(RUN, "m", failed=True)
    assert setting.state("m:ready") is S.CANCELLED
    assert setting.treatment("m:ready").cause == "cancelled because m:bad failed (fail_fast)"
    for name, token in (("m:offered", "m:offered-1"), ("m:running", "m:running-1")):
        error = setting.machines.answers[token]
        assert isinstance(error, Exception)
        assert type(error).__name__ == "Cancelled"
        assert setting.failed_with(name, "Cancelled", str(error)) == "done"
        assert setting.state(name) is S.CANCELLED
    assert gathered(setting) is S.FAILED
    assert setting.treatment("m").cause == "m:bad failed: no disk; 3 more cancelled"
    assert setting.state("m:good") is S.SUCCEEDED


def test_a_call_that_ended_before_it_notified_the_group_is_completed_by_the_next(setting: Setting) -> None:
    setting.admitted(*matrix("waits", "bad"))
    setting.done("m:bad", RunnerOutcome.FAILED, "no disk")
    waits = setting.runs.request_cancel(RUN, "m:waits", "cancelled because m:bad failed (fail_fast)")
    assert setting.wake.end.end(waits, "cancelled because m:bad failed (fail_fast)")
    assert setting.treatment("m").waiting == 1
    setting.wake.wake(RUN, "m", failed=True)
    assert setting.treatment("m").waiting == 0
    assert gathered(setting) is S.FAILED


def test_an_instance_between_two_steps_ends_at_the_next_one(setting: Setting) -> None:
    setting.admitted(*matrix("a", "bad"))
    runner = setting.runners.runners.pop(setting.claimed("m:a").runner_id)  # placed, but not there yet
    setting.done("m:bad", RunnerOutcome.FAILED, "why")
    setting.wake.wake(RUN, "m", failed=True)
    setting.runners.put_runner(runner)
    with pytest.raises(Gone, match=r"no longer wanted: .*m:bad failed") as refused:
        setting.beginning.mark(runner, setting.runs.get_spec(RUN, "m:a"))
    assert "m:bad failed" in str(refused.value.details["cancel"])
    assert isinstance(setting.machines.answers["m:a-1"], Cancelled)
    assert setting.failed_with("m:a", "Cancelled", "why") == "done"
    assert setting.state("m:a") is S.CANCELLED


def test_a_result_that_came_first_stays(setting: Setting) -> None:
    setting.admitted(*matrix("a", "bad"))
    setting.runs.specs[RUN, "m:a"] = spec("m:a", outputs=())
    setting.running("m:a")
    setting.complete("m:a")
    setting.done("m:bad", RunnerOutcome.FAILED, "why")
    setting.wake.wake(RUN, "m", failed=True)
    setting.settle("m:a", 1, None)
    assert setting.state("m:a") is S.SUCCEEDED


def test_instances_beyond_the_bound_wait_for_a_place(setting: Setting) -> None:
    setting.admitted(*matrix("a", "b", "c", "d", parallel=2))
    assert setting.started() == ["m:a", "m:b"]
    assert setting.treatment("m:c").waiting_for == "another instance of m to end"
    assert setting.done("m:b", RunnerOutcome.FAILED, "why") == "done"
    assert setting.started() == ["m:a", "m:b", "m:c"]
    setting.settle("m:b", 1, None)  # once more: nobody else is let in
    assert setting.started() == ["m:a", "m:b", "m:c"]
    end(setting, "m:a", None)
    end(setting, "m:c", None)
    assert setting.started() == ["m:a", "m:b", "m:c", "m:d"]
    end(setting, "m:d", None)
    assert gathered(setting) is S.FAILED


def test_one_that_waited_for_a_place_and_is_cancelled_takes_none(setting: Setting) -> None:
    setting.admitted(*matrix("a", "b", "c", parallel=1))
    setting.done("m:a", RunnerOutcome.FAILED, "why")
    setting.wake.wake(RUN, "m", failed=True)
    assert {setting.state(f"m:{name}") for name in "bc"} == {S.CANCELLED}
    assert gathered(setting) is S.FAILED


def test_a_stopped_run_ends_its_groups(setting: Setting) -> None:
    setting.admitted(*matrix("a"))
    setting.cancel()
    setting.stop()
    assert {t.state for t in setting.runs.list_treatments(RUN)} == {S.CANCELLED}
    setting.act.control(RUN, "m", "act-token")
    assert setting.machines.answers["act-token"] == {"next": "done"}


def test_what_never_runs_is_skipped_from_the_start(setting: Setting) -> None:
    _, b, group, after = matrix("a", "b")
    never = TreatmentSpec(name="m:a", group="m", never="its condition 1 > 2 is false")
    setting.admitted(never, b, group, spec("follows", after=("m:a",)), after)
    assert setting.treatment("m:a").cause == "its condition 1 > 2 is false"
    assert setting.treatment("follows").cause == "m:a was skipped, so it never completes"
    assert setting.runs.count_unsettled(RUN) == 3
    end(setting, "m:b", None)
    assert gathered(setting) is S.SUCCEEDED


def test_a_group_of_skipped_instances_is_skipped(setting: Setting) -> None:
    _, group, after = matrix("a")
    setting.admitted(TreatmentSpec(name="m:a", group="m", never="never"), group, after)
    assert gathered(setting) is S.SKIPPED
    assert setting.state("after") is S.SKIPPED


@pytest.mark.parametrize(
    ("outcome", "when", "state", "cause"),
    [
        (RunnerOutcome.FAILED, "treatments.a.state == 'failed'", S.READY, None),
        (RunnerOutcome.SUCCEEDED, "treatments.a.state == 'failed'", S.SKIPPED, "its condition .* is false"),
        (RunnerOutcome.SUCCEEDED, "treatments.b.state == 'failed'", S.FAILED, "its condition .* has no answer"),
        (RunnerOutcome.SUCCEEDED, "1", S.FAILED, "neither true nor false"),
    ],
)
def test_a_condition_over_states_is_decided_when_they_are_known(
    setting: Setting, outcome: RunnerOutcome, when: str, state: TreatmentState, cause: str | None
) -> None:
    setting.admitted(
        spec("a", outputs=()), spec("c", when=when, when_over=("a",), outputs=()), spec("d", after=("c",), outputs=())
    )
    assert setting.state("c") is S.PENDING
    for _ in range(2):
        setting.done("a", outcome, "why") if setting.state("a") is S.READY else setting.settle("a", 1, None)
    assert setting.state("c") is state
    if cause:
        with pytest.raises(AssertionError, match=cause):
            raise AssertionError(setting.treatment("c").cause)
        assert setting.state("d") is S.SKIPPED
    assert setting.started() == (["a", "c"] if state is S.READY else ["a"])


TEXT = OutputSpec(port="changed", flow="block", type="string")
LIST = OutputSpec(port="list", flow="block", type="Vec<u64>")


@pytest.mark.parametrize(
    ("when", "content", "state", "cause"),
    [
        ("treatments.a.outputs.changed == 'true'", b"true\n", S.READY, None),
        ("treatments.a.outputs.changed == 'true'", b"false\n", S.SKIPPED, "its condition .* is false"),
        ("treatments['a'].outputs['list'][1] == 2", b"[1, 2]", S.READY, None),
        ("has(treatments.a.outputs.changed)", None, S.SKIPPED, "its condition .* is false"),
        ("treatments.a.outputs.changed == ''", None, S.FAILED, "has no “changed”"),
        ("treatments.a.outputs.changed", b"true\n", S.FAILED, "neither true nor false"),
        ("treatments.a.outputs.changed == 'x'", b"x" * 4097, S.FAILED, r"a\.changed has 4,097 bytes, .* at most 4,096"),
    ],
)
def test_a_condition_reads_the_values_of_outputs(
    setting: Setting, when: str, content: bytes | None, state: TreatmentState, cause: str | None
) -> None:
    setting.admitted(spec("a", outputs=()), spec("c", when=when, when_over=("a",), outputs=()), spec("d", after=("c",)))
    if content is not None:
        put_value(setting, "a", LIST if "list" in when else TEXT, content)
    setting.done("a")

    assert setting.state("c") is state
    if cause:
        assert re.search(cause, setting.treatment("c").cause or "")


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("treatments.a.outputs.changed == 'true'", S.SKIPPED),
        ("treatments.a.state == 'failed' || treatments.a.outputs.changed == 'true'", S.READY),
        ("!has(treatments.a.outputs.changed)", S.READY),
    ],
)
def test_a_condition_over_an_output_of_a_failed_treatment_skips_unless_it_tests_for_that(
    setting: Setting, when: str, state: TreatmentState
) -> None:
    setting.admitted(spec("a", outputs=(TEXT,)), spec("c", when=when, when_over=("a",), outputs=()))
    setting.done("a", RunnerOutcome.FAILED, "why")

    assert setting.state("c") is state
    if state is S.SKIPPED:
        assert str(setting.treatment("c").cause).endswith("it reads a.changed, and a failed")
