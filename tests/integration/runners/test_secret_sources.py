"""Secrets that are kept elsewhere: Secrets Manager and Parameter Store by moto, Vault by a server on the loopback."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cadence.adapters.aws import secret_sources
from cadence.adapters.aws.clients import client
from cadence.adapters.aws.secret_sources import ParameterStoreReader, SecretsManagerReader
from cadence.adapters.dynamodb.access.audit import DynamoAuditTrail
from cadence.adapters.dynamodb.access.id_token_keys import PublishedIdTokenKeys
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.vault import VaultReader
from cadence.application.runners.claim import ClaimAssignment
from cadence.application.shared.secret_ports import Binding
from cadence.application.shared.secret_sources import ReadSecretSources, SourceReader
from cadence.domain.access.secret_source import SecretSource, SourceKind, SourcePrefixes, VaultAccess, VaultLogin
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CadenceError, CannotRun, Transient
from tests.doubles.vault import DOCUMENTED, Vault, vault_server
from tests.fakes.answering import Reply
from tests.integration.runners import test_claim
from tests.integration.runners.conftest import RUN_ID, World
from tests.integration.runners.test_claim import NONCE, Booting

unsourced, host, booting = test_claim.claim, test_claim.host, test_claim.booting
ISSUER = "https://cadence.example"
NAME = "git-read"
VALUE = "value-from-elsewhere"
MANAGER = SecretSource(kind=SourceKind.SECRETS_MANAGER, name="cadence/default/default/db", field="password")
PARAMETER = SecretSource(kind=SourceKind.PARAMETER_STORE, name="/cadence/default/default/db")


@pytest.fixture
def vault() -> Iterator[Vault]:
    with vault_server() as server:
        yield server


def reading(world: World, hosts: str = "127.0.0.1") -> ReadSecretSources:
    readers: dict[SourceKind, SourceReader] = {
        SourceKind.SECRETS_MANAGER: SecretsManagerReader(),
        SourceKind.PARAMETER_STORE: ParameterStoreReader(),
        SourceKind.VAULT: VaultReader(EgressPolicy.of(hosts, "outbound hosts")),
    }
    return ReadSecretSources(readers, world.secrets, SourcePrefixes("cadence/", "/cadence/"))


@pytest.fixture
def claim(world: World, unsourced: ClaimAssignment) -> ClaimAssignment:
    return dataclasses.replace(unsourced, sources=reading(world))


def in_vault(vault: Vault, **changes: Any) -> SecretSource:
    access = VaultAccess(address=vault.url, role="web")
    return SecretSource(
        kind=SourceKind.VAULT, name="apps/web", field="password", vault=dataclasses.replace(access, **changes)
    )


def put(world: World, source: SecretSource, binding: Binding | None = None) -> None:
    world.secrets.put("default", "default", NAME, source, world.clock(), binding)


def refused(claim: ClaimAssignment, booting: Booting) -> str:
    with pytest.raises(CannotRun) as error:
        claim.claim(*booting, NONCE, {}, ISSUER)
    return error.value.message


def test_the_doubles_answers_have_the_members_of_the_documented_ones(vault: Vault) -> None:
    vault.versions["secret/apps/web"] = [{"password": VALUE}]
    vault.role_ids["role"] = "id"
    source = in_vault(vault, login=VaultLogin.APPROLE, login_mount="approle", role="role", secret="vault-id")
    assert VaultReader(EgressPolicy.of("127.0.0.1")).read(source, "id").value == VALUE
    login, read = (vault.answer(asked).body for asked in list(vault.asked))
    assert _members(login) == _members(DOCUMENTED["login"])
    assert _members(read["data"]["metadata"]) == _members(DOCUMENTED["read"]["data"]["metadata"])
    vault.role_ids.clear()
    assert _members(vault.answer(vault.asked[0]).body) == _members(DOCUMENTED["error"])


def _members(document: Any) -> Any:
    """The names and types of members, without values."""
    if isinstance(document, dict):
        return {name: _members(value) for name, value in document.items()}
    return type(document).__name__


def test_a_value_of_secrets_manager_is_read_at_the_claim_and_nowhere_stored(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    manager = client("secretsmanager")
    made = manager.create_secret(Name=MANAGER.name, SecretString=f'{{"password": "{VALUE}"}}')
    put(world, MANAGER)
    assignment = claim.claim(*booting, NONCE, {}, ISSUER)
    assert assignment.secrets == {"TOKEN": VALUE}
    assert assignment.registries == {"ghcr.io": VALUE}
    (entry,) = DynamoAuditTrail("access").entries("default", 10, None).items
    assert f"git-read (version 2, from {MANAGER}, version {made['VersionId']})" in entry.target
    assert VALUE not in "".join(world.items(table) for table in ("access", "runs", "runners"))
    # The answer was lost: asked again, the source is read again.
    manager.put_secret_value(SecretId=MANAGER.name, SecretString='{"password": "rotated"}')
    assert claim.claim(*booting, NONCE, {}, ISSUER).secrets == {"TOKEN": "rotated"}


def test_a_parameter_is_decrypted(world: World, claim: ClaimAssignment, booting: Booting) -> None:
    client("ssm").put_parameter(Name=PARAMETER.name, Value=VALUE, Type="SecureString")
    put(world, PARAMETER)
    assert claim.claim(*booting, NONCE, {}, ISSUER).secrets == {"TOKEN": VALUE}


@pytest.mark.parametrize("source", [MANAGER, PARAMETER], ids=["secrets-manager", "parameter-store"])
def test_what_is_missing_in_aws_fails_the_treatment_with_what_where_and_what_to_do(
    source: SecretSource, world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    put(world, source)
    message = refused(claim, booting)
    assert message.startswith(f"The secret git-read ({source}) cannot be read: it does not exist in eu-west-1. Create")
    ((token, error),) = world.machines.failed
    assert (token, error.message) == ("launch-token", message)
    assert world.runners.get_runner(booting[0]).state is RunnerState.LOST


@pytest.mark.parametrize(
    ("code", "status", "error", "reason"),
    [
        ("AccessDeniedException", 400, CannotRun, "by that key's policy"),
        ("InvalidRequestException", 400, CannotRun, "may be scheduled for deletion. Restore it there."),
        ("DecryptionFailure", 400, CannotRun, "AWS refuses it (DecryptionFailure)"),
        ("ThrottlingException", 400, Transient, "AWS does not answer (ThrottlingException). It is asked again."),
        ("InternalServiceError", 500, Transient, "AWS does not answer (InternalServiceError)"),
    ],
)
def test_aws_is_asked_again_only_if_that_may_help(
    code: str, status: int, error: type[CadenceError], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def get_parameter(self, **_: Any) -> None:
            answer: Any = {
                "Error": {"Code": code, "Message": "s3cr3t"}, "ResponseMetadata": {"HTTPStatusCode": status},
            }  # fmt: skip
            raise ClientError(answer, "GetParameter")

    monkeypatch.setattr(secret_sources, "client_within", lambda *_: Refusing())
    with pytest.raises(error) as refused:
        ParameterStoreReader().read(PARAMETER, "")
    assert reason in refused.value.message
    assert "s3cr3t" not in refused.value.message


def test_a_binary_secret_and_a_missing_field_are_named(world: World, claim: ClaimAssignment, booting: Booting) -> None:
    client("secretsmanager").create_secret(Name=MANAGER.name, SecretBinary=b"\x00")
    reader = SecretsManagerReader()
    with pytest.raises(CannotRun, match="it is binary"):
        reader.read(MANAGER, "")
    client("secretsmanager").put_secret_value(SecretId=MANAGER.name, SecretString='{"user": "u"}')
    put(world, MANAGER)
    assert "it has no field password. Set it there" in refused(claim, booting)


def test_a_name_of_another_project_is_refused_at_the_claim_even_if_it_was_stored(
    world: World, claim: ClaimAssignment, booting: Booting
) -> None:
    foreign = dataclasses.replace(MANAGER, name="cadence/other/default/db")
    client("secretsmanager").create_secret(Name=foreign.name, SecretString='{"password": "theirs"}')
    put(world, foreign)
    assert "Names for the project default begin with cadence/default/default/" in refused(claim, booting)


def test_vault_is_signed_in_to_with_an_identity_token_for_this_server_alone(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    vault.keys = lambda: list(PublishedIdTokenKeys("access").published(world.clock()))
    vault.bound = {"organization": "default", "project": "default", "iss": ISSUER}
    vault.versions["secret/apps/web"] = [{"password": "old"}, {"password": VALUE}]
    source = in_vault(vault)
    put(world, source)
    assert claim.claim(*booting, NONCE, {}, ISSUER).secrets == {"TOKEN": VALUE}
    assert (vault.claims["aud"], vault.claims["treatment"], vault.claims["run_id"]) == (vault.url, "make", RUN_ID)
    assert vault.claims["exp"] - vault.claims["iat"] == 300
    (entry,) = DynamoAuditTrail("access").entries("default", 10, None).items
    assert f"git-read (version 2, from {source}, version 2)" in entry.target
    stored = "".join(world.items(table) for table in ("access", "runs", "runners"))
    token = DOCUMENTED["login"]["auth"]["client_token"]
    assert (VALUE in stored, token in stored, vault.asked[0].body["jwt"] in stored) == (False, False, False)


def test_vault_is_signed_in_to_with_an_approle_whose_secret_id_is_a_secret_of_the_project(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    world.secrets.put("default", "default", "vault-id", "secret-id-1", world.clock())
    vault.role_ids["role-1"] = "secret-id-1"
    vault.namespace = "ns1"
    vault.versions["kv/apps/web"] = [{"password": VALUE}]
    put(world, by_approle(vault, mount="kv", namespace="ns1"))
    assert claim.claim(*booting, NONCE, {}, ISSUER).secrets == {"TOKEN": VALUE}


def by_approle(vault: Vault, **changes: Any) -> SecretSource:
    return in_vault(vault, login=VaultLogin.APPROLE, login_mount="approle", role="role-1", secret="vault-id", **changes)


def test_the_secret_id_of_another_environment_is_not_sent_anywhere(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    world.secrets.put("default", "default", "vault-id", "id", world.clock(), Binding("production"))
    put(world, by_approle(vault))
    assert "the secret vault-id is only for treatments of the environment production" in refused(claim, booting)
    assert vault.asked == []


def test_a_secret_bound_to_another_environment_is_not_even_read(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    put(world, in_vault(vault), Binding("production"))
    assert "git-read is only for treatments of the environment production" in refused(claim, booting)
    assert vault.asked == []


def _unknown_role(vault: Vault) -> None:
    vault.role_ids["role-1"] = "another"


def _denied(vault: Vault) -> None:
    vault.denied.add("apps/web")


def _deleted(vault: Vault) -> None:
    vault.versions["secret/apps/web"] = [{"password": "old"}, None]


def _absent(vault: Vault) -> None:
    vault.versions.clear()


def _other_field(vault: Vault) -> None:
    vault.versions["secret/apps/web"] = [{"user": "u"}]


def _echo(vault: Vault) -> None:
    vault.fault = Reply(400, {"errors": ["you sent secret-id-1\n"]})


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (_unknown_role, "the login at auth/approle is refused (400: invalid role or secret ID). Check the role role-1"),
        (_denied, 'a policy with the capability "read" on secret/data/apps/web'),
        (_deleted, "its version 2 is deleted. Restore it there"),
        (_absent, "there is nothing at this path. Write it there"),
        (_other_field, "it has no field password. Set it there"),
        (_echo, "refused (400: you sent ***). Check"),
    ],
    ids=["role", "policy", "deleted", "absent", "field", "echo"],
)
def test_what_vault_refuses_fails_the_treatment_with_what_where_and_what_to_do(
    prepare: Callable[[Vault], None], reason: str, world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    world.secrets.put("default", "default", "vault-id", "secret-id-1", world.clock())
    vault.role_ids["role-1"] = "secret-id-1"
    vault.versions["secret/apps/web"] = [{"password": VALUE}]
    prepare(vault)
    source = by_approle(vault)
    put(world, source)
    message = refused(claim, booting)
    assert message.startswith(f"The secret git-read ({source}) cannot be read: ")
    assert reason in message
    assert "secret-id-1" not in message


def test_an_engine_of_version_1_and_a_missing_secret_id_are_named(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    vault.role_ids["role-1"] = "id"
    with pytest.raises(CannotRun, match="old is no engine KV of version 2"):
        VaultReader(EgressPolicy.of("127.0.0.1")).read(by_approle(vault, mount="old"), "id")
    put(world, by_approle(vault))
    assert "the project has no secret vault-id, which is to hold the secret ID. Set it." in refused(claim, booting)


def test_a_sealed_vault_is_asked_again_and_the_treatment_shows_what_it_waits_for(
    world: World, claim: ClaimAssignment, booting: Booting, vault: Vault
) -> None:
    vault.keys = lambda: list(PublishedIdTokenKeys("access").published(world.clock()))
    vault.versions["secret/apps/web"] = [{"password": VALUE}]
    put(world, in_vault(vault))
    vault.fault = Reply(503, {"errors": ["Vault is sealed"]})
    with pytest.raises(Transient, match="503: Vault is sealed"):
        claim.claim(*booting, NONCE, {}, ISSUER)
    waiting = world.runners.get_runner(booting[0])
    assert waiting.state in {RunnerState.OFFERED, RunnerState.BOOTING}
    assert "Vault is sealed" in (waiting.phase or "")
    assert world.machines.failed == []
    vault.fault = None
    assert claim.claim(*booting, NONCE, {}, ISSUER).secrets == {"TOKEN": VALUE}


def test_a_server_that_does_not_answer_is_transient_and_a_private_one_is_refused(world: World, vault: Vault) -> None:
    gone = in_vault(vault, address="http://127.0.0.1:1")
    with pytest.raises(Transient, match="the server does not answer"):
        VaultReader(EgressPolicy.of("127.0.0.1")).read(gone, "jwt")
    private = in_vault(vault, address=vault.url.replace("http:", "https:"))
    with pytest.raises(CannotRun, match="outbound_hosts"):
        VaultReader(EgressPolicy.of("", "outbound hosts")).read(private, "jwt")
    with pytest.raises(CannotRun, match="over https:// only"):
        VaultReader(EgressPolicy.of("", "outbound hosts")).read(in_vault(vault), "jwt")
    assert vault.asked == []


def test_a_redirect_does_not_lead_the_credential_elsewhere(vault: Vault) -> None:
    vault.fault = Reply(307, None, {"location": f"{vault.url}/elsewhere"})
    with pytest.raises(CannotRun, match="is refused \\(307\\)"):
        VaultReader(EgressPolicy.of("127.0.0.1")).read(in_vault(vault), "jwt")
    assert [asked.path for asked in vault.asked] == ["/v1/auth/jwt/login"]


def test_images_are_looked_up_before_there_is_an_identity(world: World, vault: Vault) -> None:
    put(world, in_vault(vault))
    stored = world.secrets.decrypt("default", "default", {NAME: None})
    with pytest.raises(CannotRun, match="Use the login approle"):
        reading(world).read("default", "default", stored, environment=None, identify=None)


def test_a_replaced_value_and_its_source_keep_their_versions(world: World) -> None:
    put(world, PARAMETER)
    assert next(one for one in world.secrets.names("default", "default") if one.name == NAME).source == PARAMETER
    world.secrets.put("default", "default", NAME, "kept here again", world.clock())
    for version, value, source in ((1, "s3cr3t-value", None), (2, "", PARAMETER), (3, "kept here again", None)):
        secret = world.secrets.decrypt("default", "default", {NAME: version})[NAME]
        assert (secret.value, secret.source) == (value, source)
    assert [one.source for one in world.secrets.names("default", "default")] == [None]
