"""The longest lifetime of an organization's tokens: for tokens of people, of accounts, and of other tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from cadence.cli.main import app
from tests.integration.api.calling import Api
from tests.integration.api.test_cli import server as served_api

server = served_api
DAY = 24 * 60 * 60


def days_left(created: dict[str, Any]) -> int | None:
    """Returns in how many days a token ends, rounded."""
    if created["expires_at"] is None:
        return None
    left = datetime.fromisoformat(created["expires_at"]) - datetime.now(UTC)
    return round(left / timedelta(days=1))


def token(api: Api, expires_in: int | None) -> dict[str, Any]:
    body = {"name": "t", "permissions": ["runs:read"], "project": "*", "expires_in": expires_in}
    return dict(api("POST", "/v1/tokens", body).json)


def test_tokens_may_have_no_end_by_default(api: Api) -> None:
    assert api("GET", "/v1/organizations/token-policy").json == {"longest_days": None}
    assert days_left(token(api, None)) is None


def test_a_longer_lifetime_is_shortened_and_a_shorter_one_kept(api: Api) -> None:
    before = token(api, None)
    assert api("PUT", "/v1/organizations/token-policy", {"longest_days": 30}).json == {"longest_days": 30}

    assert [days_left(token(api, expires_in)) for expires_in in (None, 90 * DAY, 7 * DAY)] == [30, 30, 7]
    assert days_left(before) is None
    api("PUT", "/v1/service-accounts/ci", {})
    made = api("POST", "/v1/service-accounts/ci/tokens", {"name": "t"}).json
    assert days_left(made) == 30

    api("PUT", "/v1/organizations/token-policy", {"longest_days": None})
    assert days_left(token(api, 90 * DAY)) == 90


@pytest.mark.parametrize("days", [0, -1, 3_651, "30"], ids=["zero", "negative", "too-many", "text"])
def test_a_policy_that_cannot_be_is_refused(api: Api, days: Any) -> None:
    assert api("PUT", "/v1/organizations/token-policy", {"longest_days": days}).status == 422


def test_only_those_who_may_change_the_organization_change_it(api: Api) -> None:
    body = {"longest_days": 30}
    for permissions, project in ((["organizations:read"], "*"), (["organizations:write"], "default")):
        assert (
            api("PUT", "/v1/organizations/token-policy", body, token=api.token_for(permissions, project)).status == 403
        )
    assert api("GET", "/v1/organizations/token-policy").json == {"longest_days": None}


def test_the_command_shows_and_sets_it(api: Api, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_URL", server)
    monkeypatch.setenv("CADENCE_TOKEN", api.token)

    def policy(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["token", "policy", *arguments])
        return result.exit_code, result.output.strip()

    assert policy() == (0, "Tokens may have no end.")
    assert policy("--longest-days", "90") == (0, "Tokens live 90 days at most.")
    assert policy("--no-limit") == (0, "Tokens may have no end.")
    assert policy("--no-limit", "--longest-days", "90")[0] == 2
