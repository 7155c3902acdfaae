"""Changes of the tables as DynamoDB's streams tell them, and what is told of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cadence.adapters.dynamodb.exports.changes import read_changes
from cadence.adapters.dynamodb.logs.log_items import SegmentItem
from cadence.adapters.dynamodb.runs.run_items import RunItem, TreatmentItem
from cadence.application.exports.observe import Changes, Observe
from cadence.application.shared.report_ports import ReportRequest
from cadence.domain.exports.event import NO_SUBSCRIPTIONS, Audience, Event, EventKind, Subscriptions, treatment_event
from cadence.domain.logs.log import Segment
from cadence.domain.runners.runner import Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.runs.run import ReplayOf, Run, Treatment
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.schemas import schemas_folder
from tests.fakes.runs import NOW, a_run

RUN = a_run()
SEGMENT = Segment(
    organization="acme",
    project="site",
    pipeline="build",
    run_id=RUN.run_id,
    number=3,
    key="runs/01a/logs/3",
    first_time="2030",
    last_time="2031",
    lines=2,
    treatments=("make",),
    levels=("error",),
)
TREATMENT = Treatment(
    run_id=RUN.run_id,
    name="make",
    state=TreatmentState.FAILED,
    waiting=0,
    cause="exit code 2",
    exit_code=2,
    pool="local",
    ready_at=NOW,
)
RUNNER = Runner(
    runner_id=ids.runner_id(RUN.run_id, "make", 1),
    run_id=RUN.run_id,
    treatment="make",
    attempt=1,
    organization="acme",
    project="site",
    pool="local",
    provider="host",
    state=RunnerState.COMPLETED,
    created_at=NOW,
    claimed_at=NOW + timedelta(seconds=1),
    result=RunnerResult(outcome=RunnerOutcome.FAILED, exit_code=2, usage={"cpu_ms": 12}),
)
EVERYTHING: Subscriptions = {audience: frozenset(EventKind) for audience in Audience}


class Told:
    def __init__(self) -> None:
        self.by_audience: dict[Audience, list[Event]] = {}

    def tell(self, audience: Audience, events: Sequence[Event]) -> None:
        self.by_audience.setdefault(audience, []).extend(events)


class Reports:
    """The requests for reports to code hosts."""

    def __init__(self) -> None:
        self.requested: list[ReportRequest] = []

    def request(self, request: ReportRequest, after: timedelta = timedelta()) -> None:
        self.requested.append(request)


class Readings:
    """The requests that reports of tests are read."""

    def __init__(self) -> None:
        self.requested: list[tuple[str, str]] = []

    def request(self, run_id: str, treatment: str) -> None:
        self.requested.append((run_id, treatment))


class Stored:
    """One run and one runner, and who subscribed."""

    def __init__(self, subscriptions: Subscriptions = EVERYTHING) -> None:
        self.subscriptions = subscriptions

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        return {run_id: RUN for run_id in run_ids if run_id == RUN.run_id}

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        return {runner_id: RUNNER for runner_id in runner_ids if runner_id == RUNNER.runner_id}

    def get_subscriptions(self, organization: str) -> Subscriptions:
        assert organization == "acme"
        return self.subscriptions


def told(changes: Changes, subscriptions: Subscriptions = EVERYTHING) -> dict[Audience, list[Event]]:
    stored: Any = Stored(subscriptions)
    events = Told()
    count = Observe(stored.get_runs, stored, stored, events, Reports(), Readings()).observe(changes)
    assert count == sum(map(len, events.by_audience.values()))
    return events.by_audience


def change(item: Any, before: Any = None, name: str = "INSERT") -> dict[str, Any]:
    image = item.serialize()
    keys = {key: image[key] for key in ("pk", "sk")}
    old = {"OldImage": before.serialize()} if before is not None else {}
    return {"eventName": name, "dynamodb": {"Keys": keys, "NewImage": image, **old}}


def test_every_event_keeps_to_its_schema() -> None:
    schema = json.loads(Path(schemas_folder(), "events", "1.json").read_text())
    ended = replace(RUN, state=RunState.FAILED, cause="make failed", finished_at=NOW)
    events = told(Changes([SEGMENT], [TREATMENT], [ended]))[Audience.ALERTING]
    assert [event["kind"] for event in events] == ["segment", "treatment", "run"]
    for event in events:
        jsonschema.validate(event, schema, format_checker=jsonschema.FormatChecker())


def test_a_treatment_is_told_with_what_its_run_and_runner_know() -> None:
    (event,) = told(Changes(treatments=[TREATMENT]))[Audience.EXPORTING]
    assert (event["organization"], event["project"], event["pipeline"]) == ("acme", "site", "build")
    assert (event["provider"], event["usage"], event["exit_code"]) == ("host", {"cpu_ms": 12.0}, 2)
    assert event["claimed_at"] == "2030-01-01T12:30:16.123Z"
    assert treatment_event(RUN, TREATMENT, None)["usage"] == {}


def test_only_who_asked_is_told_and_metrics_are_always_kept() -> None:
    changes = Changes([SEGMENT], [TREATMENT])
    assert [event["kind"] for event in told(changes, NO_SUBSCRIPTIONS)[Audience.EXPORTING]] == ["treatment"]
    assert Audience.ALERTING not in told(changes, NO_SUBSCRIPTIONS)


def test_treatments_of_a_run_that_is_gone_are_left_out() -> None:
    assert told(Changes(treatments=[replace(TREATMENT, run_id="01gone")])) == {}


def test_what_was_written_and_what_ended_is_read_from_the_streams() -> None:
    ended = replace(RUN, state=RunState.SUCCEEDED, finished_at=datetime(2030, 1, 2, tzinfo=UTC))
    running = TreatmentItem.of(replace(TREATMENT, state=TreatmentState.RUNNING))
    changes = read_changes(
        [
            change(SegmentItem.of(SEGMENT)),
            change(TreatmentItem.of(TREATMENT), running, "MODIFY"),
            change(RunItem.of(ended), RunItem.of(RUN), "MODIFY"),
        ]
    )
    assert changes == Changes([SEGMENT], [TREATMENT], [ended])


@pytest.mark.parametrize("state", [state for state in TreatmentState if not state.final])
def test_what_has_not_ended_is_not_told(state: TreatmentState) -> None:
    assert read_changes([change(TreatmentItem.of(replace(TREATMENT, state=state)))]) == Changes([], [], [])


def test_what_changes_after_the_end_is_not_told_again() -> None:
    item = TreatmentItem.of(TREATMENT)
    later = TreatmentItem.of(replace(TREATMENT, waiting_for="nothing"))
    removed = {"eventName": "REMOVE", "dynamodb": {"Keys": change(item)["dynamodb"]["Keys"]}}
    assert read_changes([change(later, item, "MODIFY"), removed]) == Changes([], [], [])


def test_a_segment_of_an_earlier_version_is_told_to_nobody() -> None:
    item = change(SegmentItem.of(SEGMENT))
    del item["dynamodb"]["NewImage"]["organization"]
    assert read_changes([item]) == Changes([], [], [])


def test_the_end_of_a_run_of_a_connected_repository_is_reported_to_its_code_host() -> None:
    event = {"kind": "push", "repository_id": "r-1", "commit": "c0ffee"}
    pushed = replace(RUN, state=RunState.FAILED, finished_at=NOW, event=event)
    other = replace(pushed, event={"kind": "push", "commit": "c0ffee"})
    replayed = replace(pushed, replay_of=ReplayOf("01other", "make"))
    generated = replace(pushed, run_id="01part", generated=True)
    stored: Any = Stored(NO_SUBSCRIPTIONS)
    reports = Reports()
    changes = Changes(runs=[pushed, other, replayed, generated])

    Observe(stored.get_runs, stored, stored, Told(), reports, Readings()).observe(changes)

    assert reports.requested == [ReportRequest(repository_id="r-1", commit="c0ffee", run_id=RUN.run_id)]


def test_reports_of_tests_are_read_once_their_treatment_has_ended() -> None:
    reporting = replace(TREATMENT, reports=True)
    taken_over = replace(reporting, name="kept", kept_from="01other")
    stored: Any = Stored(NO_SUBSCRIPTIONS)
    readings = Readings()

    changes = read_changes([change(TreatmentItem.of(one)) for one in (TREATMENT, reporting, taken_over)])
    Observe(stored.get_runs, stored, stored, Told(), Reports(), readings).observe(changes)

    assert readings.requested == [(RUN.run_id, TREATMENT.name)]
