"""Running again what failed: what succeeded is taken over, by reference to where it was made."""

import dataclasses

import pytest

from cadence.application.runners.input_streams import InputStreams
from cadence.application.runs.rerun import Rerun
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec, TriggerSpec
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs import rerun_reuse
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, InvalidRequest
from cadence.domain.values.stream import InputState
from tests.unit.scheduling.setting import RUN, Setting, on, spec, stream

S = TreatmentState


@pytest.fixture
def rerun(setting: Setting) -> Rerun:
    return Rerun(treatments=setting.runs, values=setting.runs, documents=setting.documents, chunks=setting.chunks)


def again(setting: Setting, rerun: Rerun, run_id: str, earlier: str = RUN, names: tuple[str, ...] = ()) -> Run:
    """Another run of what `earlier` left, admitted."""
    frozen = rerun.start(setting.runs.get_run(earlier), names)
    run = dataclasses.replace(
        setting.runs.get_run(earlier),
        run_id=run_id, rerun_of=frozen.rerun_of, kept_sha256=frozen.kept_sha256,
    )  # fmt: skip
    setting.runs.runs[run_id] = dataclasses.replace(run, state=type(run.state).PENDING, stop_requested=None, cause=None)
    setting.admit.admit(run_id, "token")
    return setting.runs.get_run(run_id)


def ended(setting: Setting, *specs: TreatmentSpec, failing: str) -> None:
    setting.admitted(*specs)
    for one in specs:
        if setting.state(one.name) is S.READY:
            setting.chunks.write(ids.chunk_key(RUN, one.name, 1, "out", 0), b"abc")
            setting.done(one.name, RunnerOutcome.FAILED if one.name == failing else RunnerOutcome.SUCCEEDED, "why")
    setting.finalise.finalise(RUN)


def state(setting: Setting, run: str, name: str) -> TreatmentState:
    return setting.runs.get_treatment(run, name).state


CHAIN = (
    spec("a"),
    spec("b", stream("a")),
    spec("other"),
    spec("c", stream("b")),
    spec("alarm", on("b", "failed"), outputs=()),
)


def test_only_what_failed_and_depends_on_it_runs_again(setting: Setting, rerun: Rerun) -> None:
    ended(setting, *CHAIN, failing="b")
    run = again(setting, rerun, "01b")
    assert {t.name: t.state for t in setting.runs.list_treatments("01b")} == {
        "a": S.SUCCEEDED, "b": S.READY, "other": S.SUCCEEDED, "c": S.PENDING, "alarm": S.PENDING
    }  # fmt: skip
    assert setting.runs.count_unsettled(run.run_id) == 3
    assert setting.runs.get_treatment("01b", "a").kept_from == RUN
    assert ("01b", "b") in setting.machines.treatments


def test_a_kept_stream_is_read_where_it_was_made_however_often(setting: Setting, rerun: Rerun) -> None:
    ended(setting, *CHAIN, failing="b")
    again(setting, rerun, "01b")
    state = setting.runs.get_run(RUN).state
    setting.runs.finish_run(setting.runs.get_run("01b"), state, None, setting.clock.now)
    again(setting, rerun, "01c", earlier="01b")
    assert setting.runs.get_treatment("01c", "a").kept_from == RUN
    streams = setting.streams
    inputs = InputStreams(treatments=setting.runs, values=setting.runs, streams=streams)  # type: ignore[arg-type]
    source = inputs.find("01c", CHAIN[1].inputs[0])
    assert source.state is InputState.ENDED
    assert source.prefix == ids.chunk_prefix(RUN, "a", 1, "out")
    assert source.end is not None


def test_what_is_no_longer_kept_is_made_again_and_what_it_needs_too(setting: Setting, rerun: Rerun) -> None:
    ended(setting, spec("root"), spec("a", stream("root")), spec("b", stream("a")), failing="b")
    setting.chunks.contents.pop(ids.chunk_key(RUN, "a", 1, "out", 0))
    again(setting, rerun, "01b")
    assert [state(setting, "01b", name) for name in ("root", "a", "b")] == [S.SUCCEEDED, S.READY, S.PENDING]
    assert "no longer kept" in str(setting.runs.get_treatment("01b", "a").cause)
    setting.chunks.contents.clear()
    again(setting, rerun, "01c")
    assert [state(setting, "01c", name) for name in ("root", "a", "b")] == [S.READY, S.PENDING, S.PENDING]


def test_a_value_that_a_condition_reads_is_made_again(setting: Setting, rerun: Rerun) -> None:
    conditional = dataclasses.replace(spec("b"), when="treatments.a.outputs.out == 'x'", when_over=("a",))
    specs = rerun_reuse.needed([spec("a"), conditional], rerun_reuse.ReusedTreatments({"a": RUN}))
    assert specs == {("a", "out")}


def test_named_treatments_run_again_as_well(setting: Setting, rerun: Rerun) -> None:
    ended(setting, spec("a"), spec("b", stream("a")), spec("c"), failing="")
    again(setting, rerun, "01b", names=("a",))
    assert [state(setting, "01b", name) for name in ("a", "b", "c")] == [S.READY, S.PENDING, S.SUCCEEDED]
    with pytest.raises(InvalidRequest, match="no treatment 'x'"):
        rerun.start(setting.runs.get_run(RUN), ("x",))


@pytest.mark.parametrize(
    ("failed", "names", "resumed"),
    [
        ("go", (), ["go"]),  # only its run did not succeed
        ("go", ("go",), []),
        ("go", ("a",), []),
        ("a", (), []),
        ("", (), []),
    ],
)
def test_a_treatment_resumes_its_run_if_nothing_that_it_depends_on_runs_again(
    failed: str, names: tuple[str, ...], resumed: list[str]
) -> None:
    specs = (
        spec("a"),
        spec("go", on("a", "finished"), kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy", wait=True)),
        spec("tell", kind=TreatmentKind.TRIGGER, trigger=TriggerSpec("deploy")),
    )
    earlier = {
        one.name: Treatment(
            run_id=RUN, name=one.name, state=S.FAILED if one.name in (failed, "tell") else S.SUCCEEDED, waiting=0
        )
        for one in specs
    }
    assert rerun_reuse.kept(specs, earlier, names).resumed == resumed


def test_nothing_is_taken_from_what_a_cancellation_left(setting: Setting, rerun: Rerun) -> None:
    setting.admitted(spec("a"), spec("b", stream("a")))
    setting.running("a")
    setting.cancel()
    setting.stop()
    with pytest.raises(Conflict):
        rerun.start(setting.runs.get_run(RUN))
    setting.failed_with("a", "Cancelled")
    setting.finalise.finalise(RUN)
    again(setting, rerun, "01b")
    assert [state(setting, "01b", name) for name in ("a", "b")] == [S.READY, S.PENDING]


def test_a_run_of_which_everything_is_kept_ends_at_once(setting: Setting, rerun: Rerun) -> None:
    ended(setting, spec("a"), failing="")
    again(setting, rerun, "01b")
    assert setting.runs.count_unsettled("01b") == 0
    assert setting.machines.answers["token"] == {"run_id": "01b"}
