"""After a deployment: whoever deployed gets the first token, once."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
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
