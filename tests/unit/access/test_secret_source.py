"""Where secrets are read: which names are valid, which project may name them, and which member of them is taken."""

import dataclasses
import json
from typing import Any

import pytest

from cadence.domain.access.secret_source import (
    LARGEST_VALUE,
    SecretSource,
    SourceKind,
    SourcePrefixes,
    VaultAccess,
    VaultLogin,
    pick_field,
)
from cadence.domain.shared.errors import CannotRun, InvalidRequest

VAULT = SecretSource(
    kind=SourceKind.VAULT,
    name="apps/web",
    field="password",
    vault=VaultAccess(address="https://vault.example.com:8200", role="web"),
)
MANAGER = SecretSource(kind=SourceKind.SECRETS_MANAGER, name="cadence/acme/web/db", field="password")
PARAMETER = SecretSource(kind=SourceKind.PARAMETER_STORE, name="/cadence/acme/web/db")
PREFIXES = SourcePrefixes("cadence/", "/cadence/")


def of_vault(**changes: Any) -> SecretSource:
    assert VAULT.vault
    return dataclasses.replace(VAULT, vault=dataclasses.replace(VAULT.vault, **changes))


@pytest.mark.parametrize("source", [VAULT, MANAGER, PARAMETER, of_vault(namespace="ns1/ns2")])
def test_a_valid_source_survives_being_stored(source: SecretSource) -> None:
    source.check()
    assert SecretSource.from_json(json.loads(json.dumps(source.as_json()))) == source


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (dataclasses.replace(MANAGER, name="arn:aws:secretsmanager:eu-west-1:1:secret:x"), "name"),
        (dataclasses.replace(MANAGER, vault=VAULT.vault), "vault"),
        (dataclasses.replace(PARAMETER, name="cadence/acme"), "name"),
        (dataclasses.replace(PARAMETER, name="/cadence/acme/x:3"), "name"),
        (dataclasses.replace(VAULT, vault=None), "vault"),
        (dataclasses.replace(VAULT, field=None), "field"),
        (dataclasses.replace(VAULT, name="apps/../sys/seal"), "name"),
        (dataclasses.replace(VAULT, name="/apps"), "name"),
        (dataclasses.replace(VAULT, name="apps?version=1"), "name"),
        (of_vault(mount="secret/"), "vault/mount"),
        (of_vault(login_mount=".."), "vault/login_mount"),
        (of_vault(namespace="a//b"), "vault/namespace"),
        (of_vault(address="https://user@vault.example.com"), "vault/address"),
        (of_vault(address="https://vault.example.com/v1"), "vault/address"),
        (of_vault(login=VaultLogin.APPROLE), "vault/secret"),
        (of_vault(secret="vault-id"), "vault/secret"),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_its_place(source: SecretSource, place: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        source.check()
    assert f"/source/{place}" in [violation.pointer for violation in refused.value.violations]


def test_a_project_names_only_what_is_its_own() -> None:
    assert PREFIXES.refusal(MANAGER, "acme", "web") is None
    assert PREFIXES.refusal(PARAMETER, "acme", "web") is None
    assert PREFIXES.refusal(VAULT, "acme", "web") is None
    for organization, project in (("other", "web"), ("acme", "we"), ("acme", "api")):
        for source in (MANAGER, PARAMETER):
            assert f"cadence/{organization}/{project}/" in (PREFIXES.refusal(source, organization, project) or "")
    assert PREFIXES.refusal(dataclasses.replace(MANAGER, name="cadence/acme/web/"), "acme", "web")
    assert "secrets_manager_prefix" in (SourcePrefixes().refusal(MANAGER, "acme", "web") or "")
    assert "parameter_store_prefix" in (SourcePrefixes().refusal(PARAMETER, "acme", "web") or "")


def test_a_member_of_a_json_object_is_taken_as_text() -> None:
    assert pick_field("plain", None) == "plain"
    assert pick_field('{"a": "text", "b": 5432, "c": {"d": [1]}}', "a") == "text"
    assert pick_field('{"a": "text", "b": 5432}', "b") == "5432"
    assert pick_field('{"c": {"d": [1]}}', "c") == '{"d":[1]}'


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("s3cr3t", "password", "no JSON object"),
        ('["s3cr3t"]', "password", "no JSON object"),
        ('{"pass": "s3cr3t"}', "password", "has no field password"),
        ('{"password": ""}', "password", "is empty"),
        ("", None, "is empty"),
        ("s3cr3t" * LARGEST_VALUE, None, f"more than {LARGEST_VALUE} bytes"),
    ],
    ids=["text", "list", "other field", "empty field", "empty", "large"],
)
def test_what_is_not_there_is_named_without_the_value(text: str, field: str | None, reason: str) -> None:
    with pytest.raises(CannotRun, match=reason) as refused:
        pick_field(text, field)
    assert "s3cr3t" not in refused.value.message
