"""Every provider's Lambda, the sweeper and the exchange of identities do their part in their own roles, and nothing
else.
"""

import json
import re
import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from infra.lambdas.providers import CALLING_HOME
from tests.doubles.gcp import account_key
from tests.doubles.gitlab import HERE as TYPES_ARE_HERE
from tests.doubles.gitlab import TOKEN as GITLAB_TOKEN
from tests.doubles.gitlab import Gitlab
from tests.e2e.account import Account, refused
from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.fakes.answering import Asked, Reply
from tests.unit.adapters.test_oidc_tokens import Issuer
from tests.unit.providers.test_all_clouds import settings_of
from tests.waiting import eventually

NOBODY = "https://127.0.0.1:9"
# Nobody is there, or the tries before have used up the calls that the API permits in a minute.
EXPECTED = re.compile("answer|refused|exist|not found|again in", re.IGNORECASE)
# Where nobody answers, or nobody who knows the credentials: the Lambda gets as far as the infrastructure's own words.
POOLS: Mapping[str, tuple[dict[str, Any], dict[str, str]]] = {
    "aws_ec2": ({}, {}),
    "aws_fargate": ({"image": f"registry.example/cadence-runner@sha256:{'0' * 64}"}, {}),
    "azure": ({}, {"client_id": str(uuid.uuid4()), "client_secret": "x" * 20}),
    "gcp": ({}, {"service_account_key": account_key()}),
    "github_actions": ({"url": NOBODY}, {"token": "x" * 20}),
    "gitlab": ({"url": NOBODY}, {"token": "x" * 20}),
    "kubernetes": (
        {"server": NOBODY, "certificate": None, "image": "registry.example/cadence-runner:1"},
        {"token": "x" * 20},
    ),
    "openstack": (
        {"auth_url": f"{NOBODY}/v3"},
        {"application_credential_id": "x", "application_credential_secret": "x" * 20},
    ),
    "scaleway": ({}, {"secret_key": str(uuid.uuid4())}),
    "vsphere": ({"server": "127.0.0.1", "port": 9, "thumbprint": None}, {"username": "x", "password": "x" * 20}),
}
DENIED = ("AccessDenied", "not authorized", "UnauthorizedOperation")


def body_of(provider: str) -> dict[str, Any]:
    changed, credentials = POOLS[provider]
    settings = {name: value for name, value in settings_of(provider, **changed).items() if value is not None}
    return {"provider": provider, "settings": settings, "credentials": credentials}


@contextmanager
def serving_pool(api: Api, name: str, body: Mapping[str, Any]) -> Iterator[None]:
    """A pool that takes no treatment any more after the block: machines of these never call home.

    It stays, since nobody answers whether all of its machines are gone.
    """
    answer = api.call("PUT", f"/v1/pools/{name}", json=body)
    assert answer.ok, answer.text
    try:
        yield
    finally:
        api.withdraw(name, dict(body))


@pytest.fixture
def pool(api: Api, request: pytest.FixtureRequest) -> Iterator[str]:
    provider = request.param
    name = f"iam-{provider.replace('_', '-')}"
    with serving_pool(api, name, body_of(provider)):
        yield name


def invoke(account: Account, lambda_folder: str, event: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether it failed, and what it said."""
    name = f"cadence-main-{lambda_folder.replace('_', '-')}"
    done = account.root("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return "FunctionError" in done, json.loads(done["Payload"].read() or b"null")


def test_every_provider_is_here() -> None:
    assert set(POOLS) == set(CALLING_HOME)


@pytest.mark.parametrize(("pool", "provider"), [(one, one) for one in sorted(POOLS)], indirect=["pool"])
def test_a_provider_probes_starts_and_sweeps_in_its_own_role(api: Api, stack: Stack, pool: str, provider: str) -> None:
    account = Account(stack)
    # It reads the pool, decrypts its credentials, asks, and keeps what it heard.
    probe = eventually(lambda: api.get(f"/v1/pools/{pool}")["probe"], what="probed")
    assert not [word for word in DENIED if word in json.dumps(probe)], probe
    # It seals a token, takes its turn, asks for a machine, keeps a runner, and is told to end it.
    run_id = api.start({"cadence": 1, "name": pool, "treatments": {"a": {"run": "true", "pools": [pool]}}})
    told = eventually(lambda: runner_or_end(api, run_id), what="placed")
    assert not [word for word in DENIED if word in json.dumps(told)], told
    api.call("POST", f"/v1/runs/{run_id}/cancel")
    api.finished(run_id)
    ended = json.dumps(api.get(f"/v1/runs/{run_id}/treatments/a"))
    assert not [word for word in DENIED if word in ended], ended
    # It lists what there is, as the sweeper asks it to.
    failed, said = invoke(
        account, CALLING_HOME[provider].folder, {"operation": "sweep", "organization": "default", "pool": pool}
    )
    assert not [word for word in DENIED if word in json.dumps(said)], said
    assert not failed or EXPECTED.search(said["errorMessage"]), said


def runner_or_end(api: Api, run_id: str) -> Any:
    view = api.get(f"/v1/runs/{run_id}/treatments/a")
    return view if view["runners"] or view["cause"] else None


@pytest.mark.parametrize("provider", sorted(POOLS))
def test_a_provider_touches_nothing_but_what_it_needs(stack: Stack, provider: str) -> None:
    account = Account(stack)
    api = account.variables("api")
    own, key = account.as_lambda(CALLING_HOME[provider].folder.replace("_", "-")), api["CADENCE_SECRETS_KEY"]
    another = min(set(POOLS) - {provider})
    # MiniStack does not look at the context that a role is bound to: tests/infrastructure holds the template to it.
    bound = {"KeyId": key, "EncryptionContext": {"provider": provider}}
    secret = account.root("kms").encrypt(Plaintext=b"x", **bound)["CiphertextBlob"]
    item = {"pk": {"S": f"TEST#{provider}"}, "sk": {"S": "TEST"}}

    assert not refused(own("kms").decrypt, CiphertextBlob=secret, **bound)
    assert refused(own("kms").schedule_key_deletion, KeyId=key)
    assert not refused(own("dynamodb").put_item, TableName=api["CADENCE_RUNNERS_TABLE"], Item=item)
    assert refused(own("dynamodb").put_item, TableName=api["CADENCE_ACCESS_TABLE"], Item=item)
    assert refused(own("dynamodb").put_item, TableName=api["CADENCE_RUNS_TABLE"], Item=item)
    # What a treatment waits for; there is none of this name.
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        own("dynamodb").update_item(
            TableName=api["CADENCE_RUNS_TABLE"],
            Key=item,
            UpdateExpression="REMOVE waiting_for",
            ConditionExpression="attribute_exists(pk)",
        )
    assert refused(own("s3").list_objects_v2, Bucket=api["CADENCE_DATA_BUCKET"])
    assert refused(own("stepfunctions").list_executions, stateMachineArn=api["CADENCE_RUN_MACHINE_ARN"])
    assert refused(own("lambda").invoke, FunctionName=f"cadence-main-{CALLING_HOME[another].folder.replace('_', '-')}")
    if not provider.startswith("aws_"):
        assert refused(own("ec2").describe_instances)


def test_the_sweeper_asks_providers_and_writes_nothing(stack: Stack) -> None:
    account = Account(stack)
    api, sweep = account.variables("api"), account.as_lambda("sweep")
    failed, said = invoke(account, "sweep", {})
    assert not failed, said

    key = {"pk": {"S": "TEST"}, "sk": {"S": "TEST"}}
    assert not refused(sweep("dynamodb").get_item, TableName=api["CADENCE_RUNNERS_TABLE"], Key=key)
    assert refused(sweep("dynamodb").put_item, TableName=api["CADENCE_RUNNERS_TABLE"], Item=key)
    assert refused(sweep("dynamodb").delete_item, TableName=api["CADENCE_ACCESS_TABLE"], Key=key)
    assert refused(sweep("dynamodb").query, TableName=api["CADENCE_RUNS_TABLE"], **_OF_TEST)
    assert refused(sweep("lambda").invoke, FunctionName="cadence-main-settle")
    assert refused(sweep("s3").list_objects_v2, Bucket=api["CADENCE_DATA_BUCKET"])


_OF_TEST: Mapping[str, Any] = {
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "TEST"}},
}


class GitlabWithIdentities(Gitlab):
    """It also publishes the keys that it signs the identities of jobs with."""

    issuer: Issuer

    def answer(self, asked: Asked) -> Reply:
        return self.issuer.answer(asked) if asked.path.startswith(("/.well-known", "/keys")) else super().answer(asked)


@pytest.mark.skipif(not TYPES_ARE_HERE, reason="The types of GitLab's client are not here (.ci/descriptions)")
def test_a_job_gets_its_token_for_its_identity_and_runs_to_its_end_in_the_roles_of_all(api: Api, stack: Stack) -> None:
    gitlab = GitlabWithIdentities()
    gitlab.issuer = Issuer()
    with gitlab.serving() as url, ExitStack() as cleanup:
        gitlab.issuer.url = url
        settings = {"project": "acme/runners", "url": NOBODY, "runners": [{"type": "any"}]}
        body = {"provider": "gitlab", "settings": settings, "credentials": {"token": GITLAB_TOKEN}}
        cleanup.enter_context(serving_pool(api, "jobs", body))
        account = Account(stack)
        moved(account, "jobs", url)
        probe = {"operation": "probe", "organization": "default", "pool": "jobs"}
        # The Lambda remembers for some seconds where the pool was.
        eventually(
            lambda: (
                not any(one["missing"] for one in invoke(account, CALLING_HOME["gitlab"].folder, probe)[1]["checks"])
            )
        )
        run_id = api.start({"cadence": 1, "name": "job", "treatments": {"a": {"run": "true", "pools": ["jobs"]}}})
        (number,) = eventually(lambda: list(gitlab.pipelines))
        runner_id = gitlab.variables[number]["CADENCE_RUNNER"]
        shown = {"project_path": "acme/runners", "pipeline_source": "api", "ref": "main", "ref_type": "branch"}
        identity = gitlab.issuer.token(aud=f"cadence:{runner_id}", pipeline_id=str(number), **shown)

        def call(path: str, token: str, said: Mapping[str, Any]) -> requests.Response:
            headers = {"authorization": f"Bearer {token}"}
            return requests.post(f"{stack.url}/runner/v1/{path}", json=said, headers=headers, timeout=60)

        exchanged = eventually(lambda: _answered(call("exchange", identity, {"runner_id": runner_id})))
        nonce = secrets.token_hex(16)
        claimed = call("claim", exchanged["token"], {"runner_id": runner_id, "nonce": nonce, "facts": {}})
        assert claimed.ok, claimed.text
        assert call("exchange", identity, {"runner_id": runner_id}).status_code == 410
        assert api.call("POST", f"/v1/runs/{run_id}/cancel").status_code == 202


def moved(account: Account, pool: str, url: str) -> None:
    """Behind the API's back, which takes no address without TLS."""
    table = {"TableName": account.variables("api")["CADENCE_ACCESS_TABLE"]}
    key = {"pk": {"S": "ORG#default"}, "sk": {"S": f"POOL#{pool}"}}
    item = account.root("dynamodb").get_item(**table, Key=key)["Item"]
    account.root("dynamodb").put_item(**table, Item=json.loads(json.dumps(item).replace(NOBODY, url)))


def _answered(answer: requests.Response) -> Any:
    """None while it is to be asked again."""
    assert answer.status_code in (200, 429, 503), answer.text
    return answer.json() if answer.ok else None
