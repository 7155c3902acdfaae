"""Instances made from elements as they become known."""

import json

import pytest

from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runners.runner import RunnerOutcome
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.group import LARGEST_ELEMENT, MOST_ELEMENTS, EachProgress
from cadence.domain.shared import ids
from cadence.domain.values.stream import StreamProgress
from tests.unit.scheduling.setting import RUN, Setting, spec

S = TreatmentState


def plan_of(of: str = "string", flow: str = "stream", **fields: object) -> list[TreatmentSpec]:
    given = InputSpec(
        port="item",
        flow=flow,
        type=of if flow == "stream" else f"Vec<{of}>",
        source_treatment="source",
        source_port="items",
    )
    template = spec("e", InputSpec(port="item", flow="block", type=of), outputs=())
    each = TreatmentSpec(name="e", kind=TreatmentKind.EACH, each="item", inputs=(given,), instance=template, **fields)  # type: ignore[arg-type]
    return [spec("source", outputs=(OutputSpec(port="items", flow=flow, type=given.type),)), each]


def send(setting: Setting, *chunks: bytes, attempt: int = 1) -> None:
    for number, chunk in enumerate(chunks):
        setting.chunks.write(ids.chunk_key(RUN, "source", attempt, "items", number), chunk)
    setting.streams.progress[ids.runner_id(RUN, "source", attempt), "items"] = StreamProgress(len(chunks))


def finish(setting: Setting, *chunks: bytes, flow: str = "stream") -> None:
    attempt = setting.treatment("source").attempt
    send(setting, *chunks, attempt=attempt)
    size = sum(map(len, chunks))
    setting.runs.put_values(
        [
            Value(
                run_id=RUN,
                treatment="source",
                port="items",
                flow=flow,
                type="string",
                sha256="f" * 64,
                size=size,
                chunks=len(chunks),
                attempt=attempt,
            )
        ]
    )
    setting.runs.specs[RUN, "source"] = spec("source", outputs=())
    setting.complete("source")
    setting.settle("source", attempt)
    setting.wake.wake(RUN, "e", failed=False)


def began(setting: Setting, *specs: TreatmentSpec, flow: str = "stream") -> None:
    setting.admitted(*specs)
    setting.running("source")
    if flow == "stream":
        setting.act.control(RUN, "e", "act-token")


def growth(setting: Setting) -> EachProgress:
    return setting.runs.get_growth(RUN, "e")


def literals(setting: Setting) -> list[str | None]:
    return [setting.runs.get_spec(RUN, name).inputs[0].literal for name in growth(setting).names()]


def settled(setting: Setting) -> tuple[TreatmentState, str | None]:
    """The group, once its machine was told to act again."""
    assert setting.machines.answers["act-token"] == {"next": "again"}
    setting.act.control(RUN, "e", "last-token")
    assert setting.machines.answers["last-token"] == {"next": "done"}
    return setting.state("e"), setting.treatment("e").cause


def end_all(setting: Setting) -> None:
    for name in growth(setting).names():
        if not setting.state(name).final:
            setting.done(name)
    setting.wake.wake(RUN, "e", failed=False)


def test_instances_run_while_the_stream_goes_on(setting: Setting) -> None:
    began(setting, *plan_of(parallel=2))
    send(setting, b"on", b"e\ntwo\nthr")
    setting.wake.wake(RUN, "e", failed=False)
    assert literals(setting) == ["one", "two"]
    assert setting.started() == ["source", "e", "e:0", "e:1"]
    finish(setting, b"on", b"e\ntwo\nthr", b"ee")
    assert len(literals(setting)) == 2  # as many as may be under way
    setting.done("e:0")
    setting.wake.wake(RUN, "e", failed=False)
    assert literals(setting) == ["one", "two", "three"]
    end_all(setting)
    assert settled(setting) == (S.SUCCEEDED, None)


def test_the_items_of_a_list_stay_as_they_were_written(setting: Setting) -> None:
    began(setting, *plan_of("f64", "block"), flow="block")
    finish(setting, b"[1.50, 2e3 ,\n 3]", flow="block")
    setting.act.control(RUN, "e", "act-token")
    assert literals(setting) == ["1.50", "2e3", "3"]
    end_all(setting)
    assert settled(setting) == (S.SUCCEEDED, None)


def test_nothing_sent_makes_a_group_that_succeeds(setting: Setting) -> None:
    began(setting, *plan_of())
    finish(setting, b"")
    assert settled(setting) == (S.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("of", "sent", "says"),
    [
        ("u8", b"1\n300\n", "element 2: .300. is out of the range of u8"),
        ("u8", b"1\nx\n", "element 2: x is no u8"),
        ("string", b"a\n\xff\n", "element 2: .* is no string"),
        ("string", b"a\n" + b"b" * (LARGEST_ELEMENT + 1), "element 2: it has more than 65,536 bytes"),
    ],
)
def test_an_element_that_is_none_fails_the_group_and_ends_the_others(
    setting: Setting, of: str, sent: bytes, says: str
) -> None:
    began(setting, *plan_of(of))
    send(setting, sent)
    setting.wake.wake(RUN, "e", failed=False)
    setting.wake.wake(RUN, "e", failed=False)
    assert setting.state("e:0") is S.CANCELLED
    setting.wake.wake(RUN, "e", failed=False)
    state, cause = settled(setting)
    assert state is S.FAILED
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(cause)


def test_more_elements_than_may_be_fail_the_group(setting: Setting) -> None:
    began(setting, *plan_of(fail_fast=False))
    setting.runs.growths[RUN, "e"] = EachProgress(
        run_id=RUN, group="e", version=9, epoch=1, made=MOST_ELEMENTS, started=MOST_ELEMENTS, token="act-token"
    )
    send(setting, b"one more\n")
    setting.wake.wake(RUN, "e", failed=False)
    assert settled(setting) == (S.FAILED, "there are more than 10,000 elements")


@pytest.mark.parametrize(("second", "state"), [(b"one\ntwo\nthree\n", S.SUCCEEDED), (b"one\n2\nthree\n", S.LOST)])
def test_a_source_that_begins_anew_has_to_send_the_same(setting: Setting, second: bytes, state: TreatmentState) -> None:
    source, each = plan_of()
    began(setting, spec("source", outputs=source.outputs, retry=type(source.retry)(infrastructure=1)), each)
    send(setting, b"one\ntwo\n")
    setting.wake.wake(RUN, "e", failed=False)
    assert setting.failed_with("source", "RunnerLost") == "retry"
    setting.wake.wake(RUN, "e", failed=False)
    setting.running("source")
    send(setting, b"one\n", attempt=2)  # not enough to tell yet
    setting.wake.wake(RUN, "e", failed=False)
    assert not growth(setting).closed
    finish(setting, second)
    end_all(setting)
    assert settled(setting)[0] is state
    if state is S.SUCCEEDED:
        assert literals(setting) == ["one", "two", "three"]


def test_a_source_that_fails_ends_the_group(setting: Setting) -> None:
    began(setting, *plan_of())
    send(setting, b"one\n")
    setting.wake.wake(RUN, "e", failed=False)
    setting.complete("source", RunnerOutcome.FAILED, "why", outputs=False)
    setting.settle("source", 1)
    for _ in range(3):
        setting.wake.wake(RUN, "e", failed=False)
    assert settled(setting) == (S.LOST, "source failed before it had sent all elements")


def test_a_failed_instance_ends_the_others_and_no_more_are_made(setting: Setting) -> None:
    began(setting, *plan_of(parallel=2))
    send(setting, b"1\n2\n3\n")
    setting.wake.wake(RUN, "e", failed=False)
    setting.done("e:1", RunnerOutcome.FAILED, "why")
    for _ in range(2):
        setting.wake.wake(RUN, "e", failed=True)
    assert growth(setting).made == 2
    assert settled(setting) == (S.FAILED, "e:1 failed: why; 1 more cancelled")


def test_a_stopped_run_lets_the_groups_machine_go(setting: Setting) -> None:
    began(setting, *plan_of())
    setting.cancel()
    setting.stop()
    assert setting.wake_ups.asked[-1] == (RUN, "e", False)
    setting.wake.wake(RUN, "e", failed=False)
    assert settled(setting)[0] is S.CANCELLED


def test_machines_that_an_interrupted_call_did_not_start_are_started_by_the_next(setting: Setting) -> None:
    began(setting, *plan_of())
    send(setting, b"1\n")
    setting.wake.wake(RUN, "e", failed=False)
    setting.machines.treatments.remove((RUN, "e:0"))
    setting.runs.growths[RUN, "e"] = EachProgress(**{**vars(growth(setting)), "started": 0})
    setting.wake.wake(RUN, "e", failed=False)
    assert setting.started() == ["source", "e", "e:0"]
    assert json.dumps(literals(setting)) == '["1"]'
