"""Deltas of runs: shaped as the API's answers, and read from the records of the table's stream."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from api.routes.runs.runs import RunView, treatment_summary
from cadence.adapters.dynamodb.runs.run_items import RunItem, TreatmentItem
from cadence.adapters.dynamodb.runs.state_changes import changed_lists, read_delta, records_by_run
from cadence.application.runs.run_delta import run_fields, treatment_fields
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from tests.fakes.runs import a_run

TIME = datetime(2026, 12, 1, 12, 30, 1, 250_000, tzinfo=UTC)


def a_treatment(name: str = "build", **changes: Any) -> Treatment:
    known = {"state": TreatmentState.RUNNING, "waiting": 0, "started_at": TIME, "ready_at": TIME.replace(microsecond=0)}
    return Treatment(run_id="01a", name=name, **{**known, **changes})


def record(after: Any, before: Any = None) -> dict[str, Any]:
    image = {"NewImage": after.to_dynamodb_dict()}
    if before is not None:
        image["OldImage"] = before.to_dynamodb_dict()
    return {"dynamodb": {"Keys": {"pk": {"S": after.pk}, "sk": {"S": after.sk}}, **image}}


def test_a_treatment_has_the_shape_of_listings() -> None:
    treatment = a_treatment(cause="x" * 600, exit_code=3, state=TreatmentState.FAILED, finished_at=TIME)
    assert treatment_fields(treatment) == json.loads(treatment_summary(treatment).model_dump_json())


def test_a_run_has_fields_of_the_api() -> None:
    shown = json.loads(RunView.model_validate(a_run()).model_dump_json())
    assert run_fields(a_run()).items() <= shown.items()


def test_only_what_clients_see_is_a_change() -> None:
    ready, running = a_treatment(state=TreatmentState.READY, started_at=None), a_treatment()
    unseen = record(TreatmentItem.of(a_treatment(placement="a pool")), TreatmentItem.of(running))
    assert read_delta([unseen]) is None

    begun = record(TreatmentItem.of(ready))
    seen = record(TreatmentItem.of(running), TreatmentItem.of(ready))
    element = record(TreatmentItem.of(a_treatment("main/inner")))
    delta = read_delta([begun, unseen, seen, element, record(RunItem.of(a_run()))])
    assert delta is not None
    assert [(one["name"], one["state"]) for one in delta.treatments] == [
        ("build", "running"),
        ("main/inner", "running"),
    ]
    assert delta.run == run_fields(a_run())


def test_records_are_grouped_by_run() -> None:
    first, second = record(RunItem.of(a_run("01a"))), record(RunItem.of(a_run("01b")))
    third = record(TreatmentItem.of(a_treatment()))
    assert records_by_run([first, second, third]) == {"01a": [first, third], "01b": [second]}


def test_lists_change_with_what_is_seen_of_their_runs() -> None:
    begun, run = a_run("01a", "acme"), a_run("01b", "globex")
    ended = record(RunItem.of(replace(run, cause="it failed")), RunItem.of(run))
    assert changed_lists([record(RunItem.of(begun)), ended, record(TreatmentItem.of(a_treatment()))]) == {
        "acme",
        "globex",
    }
    assert changed_lists([record(RunItem.of(run), RunItem.of(run)), record(TreatmentItem.of(a_treatment()))]) == set()
