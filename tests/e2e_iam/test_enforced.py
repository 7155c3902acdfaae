"""What users do most, each Lambda with its own role and no more."""

import json
import secrets
from pathlib import Path

from cadence.cli.client.client import Client
from cadence.local.demo.repository import RepositoryHead
from cadence.local.demo.webhook import Webhook
from tests.e2e.api import Api, states
from tests.e2e.conftest import Stack
from tests.e2e_iam.test_roles import Account
from tests.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
ON_PUSH = """
cadence: 1
name: pushed
on: {push: {branches: [main]}}
treatments: {greet: {run: echo pushed}}
"""


def test_a_run_with_values_and_a_log(api: Api) -> None:
    run = api.finished(api.start((EXAMPLES / "hello.yaml").read_text(), name="Ada"))

    assert run["state"] == "succeeded", run["cause"]
    assert "Hello, Ada!" in [line["text"] for line in api.lines(run["run_id"])]


def test_a_value_goes_from_treatment_to_treatment_and_is_downloaded(api: Api) -> None:
    out = {"outputs": {"out": "Block<string>"}}
    run_id = api.start(
        {
            "cadence": 1,
            "name": "values",
            "treatments": {
                "one": {"run": "echo first > $CADENCE_OUT_out", **out},
                "two": {"run": "cat $CADENCE_IN_in > $CADENCE_OUT_out", "inputs": {"in": "Block<string>"}, **out},
            },
            "connections": ["one.out -> two.in"],
        }
    )
    run = api.finished(run_id)
    assert run["state"] == "succeeded", run["cause"]
    sha256 = api.value(run_id, "two", "out")["sha256"]
    assert b"".join(Client(api.url, api.token).read_value(run_id, sha256)) == b"first\n"
    assert "one" in str(api.get(f"/v1/runs/{run_id}/trace", port="two.out"))


def test_what_is_no_record_of_lines_is_set_aside_tried_again_and_discarded(api: Api, stack: Stack) -> None:
    before = api.get("/v1/audit")["items"]
    root = Account(stack.aws_endpoint).root
    root("kinesis").put_record(StreamName="cadence-main-log-lines", PartitionKey="nobody", Data=b"no record")

    def listed() -> list[tuple[str, str]]:
        return [(one["id"], one["at"]) for one in api.get("/v1/dead-letters", kind="record")["items"]]

    ((dead_letter_id, at),) = eventually(listed)
    assert api.get(f"/v1/dead-letters/{dead_letter_id}")["content"] == "no record"
    assert api.call("POST", f"/v1/dead-letters/{dead_letter_id}/redrive").status_code == 202
    eventually(lambda: [moment for _, moment in listed() if moment != at])
    assert api.call("DELETE", f"/v1/dead-letters/{dead_letter_id}").status_code == 204
    assert listed() == []
    told = [one["action"] for one in api.get("/v1/audit")["items"] if one not in before]
    assert told == ["discard_dead_letter", "redrive_dead_letter"]


def test_a_projects_retention_is_set_and_looked_after(api: Api, stack: Stack) -> None:
    assert api.call("PUT", "/v1/projects/default/retention", json={"days": 1}).json()["days"] == 1
    done = Account(stack.aws_endpoint).root("lambda").invoke(FunctionName="cadence-main-retention", Payload=b"{}")
    assert json.load(done["Payload"]) == {"projects": 1, "runs": 0, "objects": 0}


def test_events_are_listened_to_from_the_first_alert_rule_to_the_last(api: Api, stack: Stack) -> None:
    lambdas = Account(stack.aws_endpoint).root("lambda")

    def mappings() -> int:
        return len(lambdas.list_event_source_mappings(FunctionName="cadence-main-alerts")["EventSourceMappings"])

    channel = {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}
    assert api.call("PUT", "/v1/alerts/channels/default/ops", json=channel).ok
    rule = {"rule": {"when": {"run": {}}, "channels": ["ops"]}}
    assert api.call("PUT", "/v1/alerts/rules/default/failures", json=rule).status_code == 201
    assert mappings() == 1
    assert api.call("DELETE", "/v1/alerts/rules/default/failures").status_code == 204
    assert mappings() == 0


def test_a_secret_reaches_its_treatment_only(api: Api) -> None:
    value = secrets.token_hex(16)
    assert api.call("PUT", "/v1/projects/default/secrets/enforced", json={"value": value}).ok
    command = 'test -n "$KEY" && echo "key is $KEY"'
    run = api.finished(
        api.start(
            {
                "cadence": 1,
                "name": "secret",
                "treatments": {"use": {"run": command, "secrets": {"KEY": "enforced"}}},
            }
        )
    )
    assert run["state"] == "succeeded", run["cause"]
    assert "key is ***" in [line["text"] for line in api.lines(run["run_id"])]
    assert api.call("DELETE", "/v1/projects/default/secrets/enforced").ok


def test_a_signed_push_starts_a_run(api: Api) -> None:
    client = Client(api.url, api.token)
    client.put_pipeline("pushed", ON_PUSH)
    githost = client.create_githost("github", "enforced")
    webhook = Webhook(api.url + githost["webhook_path"], githost["webhook_secret"])
    webhook.push(
        RepositoryHead(
            url="https://example.org/repository",
            ref="refs/heads/main",
            commit="a" * 40,
            message="a change",
            author="Ada",
        )
    )
    runs = eventually(lambda: list(client.runs(pipeline="pushed")), what="the push started no run")
    assert api.finished(runs[0]["run_id"])["state"] == "succeeded"


def test_cancelling(api: Api) -> None:
    treatments = {"long": {"run": "sleep 300"}, "later": {"run": "true", "after": ["long"]}}
    run_id = api.start({"cadence": 1, "name": "cancelled", "treatments": treatments})
    api.until(run_id, lambda run: states(run).get("long") == "running")
    assert api.call("POST", f"/v1/runs/{run_id}/cancel").status_code == 202
    run = api.finished(run_id)
    assert (run["state"], states(run)) == ("cancelled", {"long": "cancelled", "later": "cancelled"})
