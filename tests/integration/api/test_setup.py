"""After a deployment: whoever deployed gets the first token, once."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cadence.adapters.aws.clients import client
from cadence.cli.deployment import deploy
from cadence.cli.main import app
from cadence.setup import kept, pool_queues
from cadence.setup.__main__ import main
from tests.integration.api.calling import Api

TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"ApiUrl": {"Value": "https://cadence.example/"}, "AccessTable": {"Value": "access"}},
}

Answer = Callable[..., dict[str, Any]]


@pytest.fixture
def prepare(api: Api, capsys: pytest.CaptureFixture[str]) -> Answer:
    for token in api.services.access.list_tokens("default"):
        api.services.access.delete_token("default", token.token_id)
    client("cloudformation").create_stack(StackName="cadence-main", TemplateBody=json.dumps(TEMPLATE))

    def call(*words: str) -> dict[str, Any]:
        assert main(["--json", *words]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return call


def works(api: Api, token: str) -> bool:
    try:
        return bool(api.services.authenticate.authenticate(f"Bearer {token}").may("tokens:write"))
    except Exception:  # noqa: BLE001 - whatever it is refused with
        return False


def test_the_first_token_works_and_is_kept_until_a_new_one_is_asked_for(api: Api, prepare: Answer) -> None:
    first = prepare()
    assert first["url"] == "https://cadence.example"
    assert works(api, first["admin_token"])
    assert [pool.name for pool in api.services.access.list_pools("default")] == ["default", "local"]

    assert prepare()["admin_token"] is None
    assert works(api, first["admin_token"])

    new = prepare("--new-token")["admin_token"]
    assert works(api, new)
    assert not works(api, first["admin_token"])


def test_known_tokens_that_work_are_kept_and_others_replaced(
    api: Api, prepare: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare()
    known = {"admin_token": first["admin_token"], "join_token": "cad_unknown"}
    monkeypatch.setattr(sys, "stdin", StringIO(json.dumps(known)))
    second = prepare("--known-tokens")
    assert second["admin_token"] == first["admin_token"]
    assert second["join_token"] not in {None, first["join_token"], "cad_unknown"}


def test_a_stack_that_is_not_there_is_an_error_in_words(prepare: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "cadence-other"]) == 1
    assert "cadence-other" in capsys.readouterr().err


def test_what_stays_of_an_installation_is_listed(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "Properties": {
            "TableName": "cadence-gone-runs",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        },
    }
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Runs": table}}
    client("cloudformation").create_stack(StackName="cadence-gone", TemplateBody=json.dumps(template))
    assert kept.main(["--stack", "cadence-gone"]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert (first, second) == ("Removing cadence-gone keeps:", "  table cadence-gone-runs")
    assert "delete them before the same stage is deployed again" in third
    assert kept.main(["--stack", "cadence-nowhere"]) == 1
    assert "cadence-nowhere" in capsys.readouterr().err


def test_queues_of_pools_are_removed_and_no_others(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("cadence-gone-work-notification-1", "cadence-gone-work-notification-2")
    others = ("cadence-gone-deadlines", "cadence-main-work-notification-1")
    urls = {name: client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in (*names, *others)}
    for told in ("Removed 2 queues", "Removed 0 queues"):
        assert pool_queues.main(["--stack", "cadence-gone"]) == 0
        assert told in capsys.readouterr().out
    left = set(client("sqs").list_queues()["QueueUrls"])
    assert left & set(urls.values()) == {urls[name] for name in others}


@pytest.mark.parametrize(
    ("words", "typed", "listed", "status", "removes"),
    [
        ((), "main\n", 0, 0, True),
        ((), "other\n", 0, 2, False),
        (("--yes",), "", 0, 0, True),
        (("--yes",), "", 1, 1, False),
    ],
    ids=["confirmed", "not-confirmed", "yes", "no-stack"],
)
def test_an_installation_is_removed_only_after_what_stays_was_listed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    typed: str,
    listed: int,
    status: int,
    removes: bool,
) -> None:
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "node_modules/.bin").mkdir(parents=True)
    (tmp_path / "node_modules/.bin/cdk").touch()
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        commands.append(command)
        return subprocess.CompletedProcess(command, listed if "cadence.setup.kept" in command else 0)

    monkeypatch.setattr(deploy, "subprocess", SimpleNamespace(run=run))
    done = CliRunner().invoke(app, ["destroy", "--folder", str(tmp_path), *words], input=typed)
    assert done.exit_code == status, done.output
    assert "cadence.setup.kept" in commands[0]
    assert [command[1:] for command in commands[1:]] == (
        [
            ["destroy", "--all", "--context", "stage=main", "--force"],
            ["-m", "cadence.setup.pool_queues", "--stack", "cadence-main"],
        ]
        if removes
        else []
    )
