"""Runs as their users see them: success, failure, cancel, deadlines, invalid documents."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api, states

EXAMPLES = Path(__file__).parents[3] / "examples"


def document(**treatments: dict[str, Any]) -> dict[str, Any]:
    return {"cadence": 1, "name": "test", "treatments": treatments}


def test_hello(api: Api) -> None:
    run = api.finished(api.start((EXAMPLES / "hello.yaml").read_text(), name="Ada"))

    assert run["state"] == "succeeded"
    assert "Hello, Ada!" in [line["text"] for line in api.lines(run["run_id"])]


def test_a_failure_names_its_cause_and_skips_what_depends_on_it(api: Api) -> None:
    bad = document(
        build={"run": "echo compiling; echo 'no such header' >&2; exit 3"},
        publish={"run": "true", "after": ["build"]},
        announce={"run": "true", "after": ["publish"]},
        alarm={"inputs": {"trigger": "Block<void>"}, "run": "echo alarm"},
    ) | {"connections": ["build.failed -> alarm.trigger"]}

    run = api.finished(api.start(bad))

    assert run["state"] == "failed"
    assert "build" in run["cause"]
    assert "3" in run["cause"]
    assert states(run) == {"build": "failed", "publish": "skipped", "announce": "skipped", "alarm": "succeeded"}
    assert "no such header" in [line["text"] for line in api.lines(run["run_id"], treatment="build")]


def test_values_travel_and_are_traced_back(api: Api) -> None:
    pipeline = document(
        count={"run": "echo 41 > $CADENCE_OUT_n", "outputs": {"n": "Block<u64>"}},
        add={
            "run": "echo $(( $(cat $CADENCE_IN_n) + 1 )) > $CADENCE_OUT_n",
            "inputs": {"n": "Block<u64>"},
            "outputs": {"n": "Block<u64>"},
        },
    ) | {"connections": ["count.n -> add.n"]}

    run = api.finished(api.start(pipeline))

    assert run["state"] == "succeeded", run["cause"]
    assert api.value(run["run_id"], "add", "n")["preview"].strip() == "42"
    trace = api.get(f"/v1/runs/{run['run_id']}/trace", port="add.n")
    assert "count" in str(trace)
    assert api.value(run["run_id"], "count", "n")["sha256"] in str(trace)


def test_cancelling_ends_what_runs_and_what_waits(api: Api) -> None:
    run_id = api.start(document(long={"run": "sleep 300"}, later={"run": "true", "after": ["long"]}))
    api.until(run_id, lambda run: states(run).get("long") == "running")

    assert api.call("POST", f"/v1/runs/{run_id}/cancel").status_code == 202
    run = api.finished(run_id)

    assert run["state"] == "cancelled"
    assert states(run) == {"long": "cancelled", "later": "cancelled"}
    assert api.call("POST", f"/v1/runs/{run_id}/cancel").status_code == 409


def test_a_treatment_past_its_duration_times_out(api: Api) -> None:
    run = api.finished(api.start(document(slow={"run": "sleep 300", "max_duration": 2})))

    assert run["state"] == "failed"
    assert states(run) == {"slow": "timed_out"}


def test_a_run_past_its_deadline_times_out(api: Api) -> None:
    run = api.finished(api.start(document(slow={"run": "sleep 300"}) | {"max_duration": 3}))

    assert run["state"] == "timed_out"
    assert states(run) == {"slow": "cancelled"}
    assert "3 s" in run["cause"]


def newest(api: Api) -> list[str]:
    """The id of the newest run, which may still change its state, in a list; none if there is no run."""
    return [one["run_id"] for one in api.get("/v1/runs", limit=1)["items"]]


def test_an_invalid_document_starts_nothing(api: Api) -> None:
    before = newest(api)

    response = api.call(
        "POST", "/v1/projects/default/runs", json={"document": (EXAMPLES / "ten-mistakes.yaml").read_text()}
    )

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.json()["findings"]) >= 10
    assert newest(api) == before


@pytest.mark.parametrize(
    ("treatment", "words"),
    [
        ({"run": "no-such-command"}, "127"),
        ({"run": "true", "outputs": {"missing": "Block<string>"}}, "missing"),
        ({"run": "true", "storage": 900_000_000}, "storage"),
    ],
)
def test_what_is_missing_is_said(api: Api, treatment: dict[str, Any], words: str) -> None:
    response = api.call("POST", "/v1/projects/default/runs", json={"document": document(broken=treatment)})
    if response.status_code == 422:
        assert words in response.text
        return
    run = api.finished(response.json()["run_id"])

    assert run["state"] == "failed"
    assert words in run["cause"]
