"""What users do most, each Lambda with its own role and no more."""

import secrets
import time
from pathlib import Path

from cadence.cli.client import Client
from cadence.local.repository import Head
from cadence.local.webhook import Webhook
from tests.e2e.api import Api, states

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
    githost = client.add_githost("github", "enforced")
    webhook = Webhook(api.url + githost["webhook_path"], githost["webhook_secret"])
    webhook.push(Head("https://example.org/repository", "refs/heads/main", "a" * 40, "a change", "Ada"))
    until = time.monotonic() + 30
    while not (runs := list(client.runs(pipeline="pushed"))):
        assert time.monotonic() < until, "the push started no run"
        time.sleep(0.1)
    assert api.finished(runs[0]["run_id"])["state"] == "succeeded"


def test_cancelling(api: Api) -> None:
    treatments = {"long": {"run": "sleep 300"}, "later": {"run": "true", "after": ["long"]}}
    run_id = api.start({"cadence": 1, "name": "cancelled", "treatments": treatments})
    api.until(run_id, lambda run: states(run).get("long") == "running")
    assert api.call("POST", f"/v1/runs/{run_id}/cancel").status_code == 202
    run = api.finished(run_id)
    assert (run["state"], states(run)) == ("cancelled", {"long": "cancelled", "later": "cancelled"})
