"""What pools say of their values holds from the first chunk to its removal, in the scheduler's own use cases."""

import dataclasses

import pytest

from cadence.application.runs.start_child_run import CannotStart
from cadence.application.triggers.start_followers import outputs
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TriggerSpec
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.shared import ids
from cadence.domain.values.value_retention import (
    IncompatibleRetention,
    ValueCapture,
    ValuePolicy,
    ValueRetention,
    together,
)
from tests.unit.scheduling.setting import RUN, Setting, spec, stream

DIGESTS = ValueRetention("near", ValueCapture.DIGEST)
NOTHING = ValueRetention("near", ValueCapture.NONE)
THERE = ValueRetention("near", bucket="there")


def begun(setting: Setting, name: str, retention: ValueRetention | None) -> None:
    """As a claim does it, with a chunk that was sent."""
    runner = setting.claimed(name)
    if retention:
        runner = dataclasses.replace(runner, retention=retention)
        setting.retentions.note(RUN, name, runner.attempt, retention)
    setting.beginning.mark(
        runner, setting.runs.get_spec(RUN, name), ends_retention=setting.runs.get_run(RUN).keeps_values_elsewhere
    )
    bucket = retention.bucket if retention else None
    setting.chunks.write(ids.chunk_key(RUN, name, runner.attempt, "out", 0, bucket), b"abc")


def ended(setting: Setting, name: str, outcome: RunnerOutcome = RunnerOutcome.SUCCEEDED) -> str:
    attempt = setting.treatment(name).attempt
    setting.complete(name, outcome)
    return setting.settle(name, attempt)


def looked(setting: Setting) -> list[str]:
    """Whatever the watchdog was asked to look at is looked at; the treatments whose content is left."""
    while setting.deadlines.values:
        setting.remove_passed.purge(*setting.deadlines.values.pop(0))
    return left(setting)


def left(setting: Setting) -> list[str]:
    return sorted({"-".join(ids.bucket_and_key(key)[1].split("/")[3:5]) for key in setting.chunks.contents})


def test_a_pool_without_a_policy_changes_nothing() -> None:
    assert ValueRetention.of("near", ValuePolicy()) is None
    setting = Setting()
    setting.admitted(spec("a"), spec("b", stream("a")))
    begun(setting, "a", None)
    begun(setting, "b", None)
    ended(setting, "a")
    ended(setting, "b")
    setting.finalise.finalise(RUN)
    assert (setting.deadlines.values, left(setting)) == ([], ["a-1", "b-1"])
    assert setting.runs.get_value(RUN, "a", "out").preview == b"abc"


def test_content_goes_once_all_that_read_it_have_ended() -> None:
    setting = Setting()
    setting.admitted(spec("a"), spec("b", stream("a")), spec("c", stream("a")), spec("later", after=("b",)))
    begun(setting, "a", DIGESTS)
    begun(setting, "b", None)
    begun(setting, "c", None)
    ended(setting, "a")
    assert looked(setting) == ["a-1", "b-1", "c-1"]
    ended(setting, "b")
    assert looked(setting) == ["a-1", "b-1", "c-1"]
    ended(setting, "c")
    assert looked(setting) == ["b-1", "c-1"]
    value = setting.runs.get_value(RUN, "a", "out")
    assert (value.digest, value.size, value.retention) == ("a" * 64, 3, DIGESTS)


def test_who_is_tried_again_reads_it_again() -> None:
    setting = Setting()
    retried = dataclasses.replace(spec("b", stream("a")), retry=dataclasses.replace(spec("b").retry, infrastructure=1))
    setting.admitted(spec("a"), retried)
    begun(setting, "a", DIGESTS)
    begun(setting, "b", None)
    ended(setting, "a")
    assert ended(setting, "b", RunnerOutcome.INFRASTRUCTURE) == "retry"
    assert "a-1" in looked(setting)
    begun(setting, "b", None)
    ended(setting, "b")
    assert looked(setting) == ["b-1", "b-2"]


def test_what_an_attempt_sent_that_failed_goes_as_well_and_the_next_pool_may_keep_all() -> None:
    setting = Setting()
    retried = dataclasses.replace(spec("a"), retry=dataclasses.replace(spec("a").retry, infrastructure=1))
    setting.admitted(retried)
    begun(setting, "a", DIGESTS)
    ended(setting, "a", RunnerOutcome.INFRASTRUCTURE)
    begun(setting, "a", None)
    assert setting.treatment("a").retention is None
    ended(setting, "a")
    assert looked(setting) == ["a-2"]
    assert setting.runs.get_value(RUN, "a", "out").retention is None


def test_the_end_of_a_run_lets_everything_go_and_what_comes_late_too() -> None:
    setting = Setting()
    setting.admitted(spec("a"), spec("b", stream("a")))
    begun(setting, "a", NOTHING)
    setting.cancel()
    setting.stop()
    setting.finalise.finalise(RUN)
    assert looked(setting) == []
    (wait,) = [after for _, after in setting.deadlines.late_values]
    setting.chunks.write(ids.chunk_key(RUN, "a", 1, "out", 1), b"late")
    setting.remove_passed.late(RUN)  # too soon: it is asked to look again
    assert left(setting) == ["a-1"]
    setting.clock.now += wait
    setting.remove_passed.late(RUN)
    assert left(setting) == []
    assert len(setting.deadlines.late_values) == 2


def test_no_digest_is_left_where_none_may_be() -> None:
    setting = Setting()
    setting.admitted(spec("a"))
    begun(setting, "a", NOTHING)
    ended(setting, "a")
    value = setting.runs.get_value(RUN, "a", "out")
    assert (value.digest, value.sha256) == (None, "a" * 64)  # those that read it check it
    assert looked(setting) == []
    value = setting.runs.get_value(RUN, "a", "out")
    assert (value.sha256, value.size) == ("", 3)


def test_another_bucket_is_no_reason_to_remove_anything() -> None:
    setting = Setting()
    setting.admitted(spec("a"))
    begun(setting, "a", THERE)
    ended(setting, "a")
    setting.finalise.finalise(RUN)
    assert looked(setting) == ["a-1"]
    assert setting.runs.get_value(RUN, "a", "out").chunk_key(0) == f"//there/runs/{RUN}/values/a/1/out/000000000000"
    assert setting.deadlines.late_values == []


def test_what_passes_never_becomes_a_parameter_which_is_kept() -> None:
    setting = Setting()
    block = (OutputSpec(port="out", flow="block", type="string"),)
    trigger = spec(
        "go",
        InputSpec(port="word", flow="block", type="string", source_treatment="a", source_port="out"),
        kind=TreatmentKind.TRIGGER,
        outputs=(),
        trigger=TriggerSpec("ship"),
    )
    setting.admitted(spec("a", outputs=block), trigger)
    begun(setting, "a", THERE)
    ended(setting, "a")
    with pytest.raises(
        CannotStart, match=r"input word cannot be a parameter .*: pool near keeps its values in bucket there"
    ):
        setting.start_child._inputs(RUN, setting.runs.get_spec(RUN, "go"))
    assert outputs(setting.runs.list_values(RUN)) == {}


def test_an_element_never_becomes_a_part_of_the_run() -> None:
    setting = Setting()
    each = InputSpec(port="item", flow="stream", type="string", source_treatment="a", source_port="out")
    group = spec(
        "g", each, kind=TreatmentKind.EACH, each="item", outputs=(),
        instance=spec("g", InputSpec(port="item", flow="block", type="string"), outputs=(), group="g"),
    )  # fmt: skip
    setting.admitted(spec("a", outputs=(OutputSpec(port="out", flow="stream", type="string", grows=("g",)),)), group)
    begun(setting, "a", DIGESTS)
    setting.act.control(RUN, "g", "g-token")
    assert setting.machines.answers["g-token"] == {"next": "again"}
    setting.act.control(RUN, "g", "g-token")
    assert setting.state("g").final
    assert (setting.treatment("g").cause or "").startswith("pool near captures digests only, and each element of a.out")


def matrix(setting: Setting, *retentions: ValueRetention | None) -> None:
    names = [f"g:{number}" for number in range(len(retentions))]
    block = (OutputSpec(port="out", flow="block", type="string"),)
    group = spec("g", kind=TreatmentKind.GATHER, instances=tuple(names), outputs=block)
    setting.admitted(*(spec(name, outputs=block, group="g") for name in names), group, spec("z", stream("g")))
    for name, retention in zip(names, retentions, strict=True):
        begun(setting, name, retention)
        setting.chunks.write(ids.chunk_key(RUN, name, 1, "out", 1, retention.bucket if retention else None), b"")
        ended(setting, name)
    setting.act.control(RUN, "g", "g-token")


def test_what_is_gathered_is_kept_as_its_strictest_part() -> None:
    setting = Setting()
    matrix(setting, None, DIGESTS, THERE)
    value = setting.runs.get_value(RUN, "g", "out")
    assert value.retention == ValueRetention("near", ValueCapture.DIGEST, "there")
    assert value.chunk_key(0).startswith(f"//there/runs/{RUN}/values/g/1/")
    assert value.preview == b""
    # The instance's own content goes with the group, the group's with whoever reads it.
    assert looked(setting) == ["g-1", "g:0-1", "g:2-1"]
    setting.finalise.finalise(RUN)
    assert looked(setting) == ["g:0-1", "g:2-1"]


def test_what_may_not_be_together_is_not_gathered() -> None:
    setting = Setting()
    matrix(setting, THERE, ValueRetention("far", bucket="elsewhere"))
    assert setting.treatment("g").cause == (
        "what its instances sent cannot be put together: its parts are kept in the buckets elsewhere (far) and there (near), "
        "and one value cannot be in both"
    )
    with pytest.raises(IncompatibleRetention):
        together([THERE, ValueRetention("far", bucket="elsewhere")])


def test_a_run_that_is_no_more_has_nothing_left() -> None:
    setting = Setting()
    assert (setting.remove_passed.purge("01gone"), setting.remove_passed.late("01gone")) == (0, 0)
