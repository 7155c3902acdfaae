"""What holds for each provider of a cloud or CI system: its page, its settings, and that no credential is ever told."""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import CadenceError
from cadence.providers.azure.building import build as build_azure
from cadence.providers.contract import Build, Credentials, Paced, Provider, ProviderContext
from cadence.providers.gcp.building import build as build_gcp
from cadence.providers.github_actions.building import build as build_github
from cadence.providers.gitlab.building import build as build_gitlab
from cadence.providers.scaleway.building import build as build_scaleway
from tests.doubles.gcp import account_key
from tests.doubles.github import app_pem
from tests.fakes.answering import Asked, Reply, answering
from tests.fakes.back_offs import MemoryBackOffs
from tests.unit.providers.requests import TOKEN, runner

REPOSITORY = Path(__file__).resolve().parents[3]
PLANTED = "planted-credential-0123456789abcdef"
AROUND = ProviderContext(
    installation="cadence-test", clock=lambda: datetime(2026, 11, 25, 10, 0, tzinfo=UTC), back_offs=MemoryBackOffs()
)

Make = Callable[[str], Provider]


def settings_of(provider: str, **changed: Any) -> dict[str, Any]:
    """As the example on its page has them."""
    page = (REPOSITORY / "docs" / "providers" / f"{provider}.md").read_text()
    example = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert example
    settings: dict[str, Any] = json.loads(example[1])["settings"]
    return settings | changed


def pool(provider: str, **changed: Any) -> Pool:
    return Pool(organization="acme", name="cloud", provider=provider, settings=settings_of(provider, **changed))


def secret_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if len(line) > 30 and "-----" not in line]


MADE: dict[str, tuple[Make, list[str]]] = {
    "scaleway": (lambda url: build_scaleway(pool("scaleway"), {"secret_key": PLANTED}, AROUND, url), [PLANTED]),
    "gcp": (
        lambda url: build_gcp(pool("gcp"), {"service_account_key": account_key()}, AROUND, f"{url}/compute", url),
        secret_lines(json.loads(account_key())["private_key"]),
    ),
    "azure": (
        lambda url: build_azure(pool("azure"), {"client_id": "me", "client_secret": PLANTED}, AROUND, url, url),
        [PLANTED],
    ),
    "github_actions": (
        lambda url: build_github(pool("github_actions", url=url), {"token": PLANTED}, AROUND),
        [PLANTED],
    ),
    "github_app": (
        lambda url: build_github(
            pool("github_actions", url=url),
            {"app_id": "1", "installation_id": "2", "private_key": app_pem()},
            AROUND,
        ),
        secret_lines(app_pem()),
    ),
    "gitlab": (lambda url: build_gitlab(pool("gitlab", url=url), {"token": PLANTED}, AROUND), [PLANTED]),
}
NAMES = ("azure", "gcp", "github_actions", "gitlab", "scaleway")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 429, 500, 503, 200])
@pytest.mark.parametrize("name", sorted(MADE))
def test_no_credential_is_in_an_error_or_a_log(name: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Every call fails, and the infrastructure repeats all that it was sent, headers included."""
    caplog.set_level(logging.DEBUG)
    make, secrets = MADE[name]

    def parrot(asked: Asked) -> Reply:
        said = f"refused: {asked.headers} {asked.raw.decode('utf-8', 'replace')}"
        error = {"code": "Refused", "message": said, "errors": [{"reason": "refused", "message": said}]}
        return Reply(status, {"error": error, "message": said, "type": said, "error_description": said})

    told: list[str] = []
    with answering(parrot) as url:
        provider = make(url)
        calls: list[Callable[[], object]] = [
            lambda: provider.start(runner()),
            lambda: provider.describe("1"),
            lambda: provider.stop("1"),
            lambda: provider.console("1"),
            provider.list_owned,
            provider.probe,
        ]
        for call in calls:
            try:
                told.append(repr(call()))
            except CadenceError as error:
                told.append(f"{error!r} {error.message} {error.details} {error.__cause__!r}")
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                # An answer that is none: what it is has to be seen in the logs, and no secret with it.
                assert status == 200
                told.append(repr(error))
    everything = "\n".join([*told, *(record.getMessage() for record in caplog.records)])
    assert told
    for secret in (*secrets, TOKEN):
        assert secret not in everything


@pytest.mark.parametrize(
    ("build", "provider"),
    [
        (build_azure, "azure"),
        (build_gcp, "gcp"),
        (build_github, "github_actions"),
        (build_gitlab, "gitlab"),
        (build_scaleway, "scaleway"),
    ],
)
@pytest.mark.parametrize("credentials", [{}, {"unknown": PLANTED}])
def test_what_is_missing_of_its_credentials_is_said(build: Build, provider: str, credentials: Credentials) -> None:
    with pytest.raises(CadenceError) as raised:
        build(pool(provider), credentials, AROUND)
    assert "credentials" in raised.value.message and PLANTED not in raised.value.message


@pytest.mark.parametrize("name", NAMES)
def test_the_example_on_its_page_is_as_its_schema_has_it(name: str) -> None:
    schema = json.loads((REPOSITORY / "schemas" / "pool-settings" / name / "1.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(settings_of(name))] == []
    assert not validator.is_valid(settings_of(name, anything_else=1))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_described(name: str) -> None:
    schema = json.loads((REPOSITORY / "schemas" / "pool-settings" / name / "1.json").read_text())
    undescribed = [
        key
        for node in _nodes(schema)
        for key, one in node.get("properties", {}).items()
        if "description" not in one and "$ref" not in one and "oneOf" not in one
    ]
    assert undescribed == []
    assert all(node.get("additionalProperties") is False for node in _nodes(schema) if "properties" in node)


@pytest.mark.parametrize("name", sorted(MADE))
def test_its_starts_wait_for_their_turn(name: str) -> None:
    provider = MADE[name][0]("http://127.0.0.1:9")
    assert isinstance(provider, Paced) and provider.start_api.pace.burst >= 1


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in _nodes(one)]
    if not isinstance(node, dict):
        return []
    return [node, *(found for one in node.values() for found in _nodes(one))]
