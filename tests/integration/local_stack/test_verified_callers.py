"""The simulated account answers requests that are signed with one of its keys, and no others."""

import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.services import sts

from cadence.local.ministack.replaced_names import with_names
from cadence.local.ministack.server import MiniStack
from cadence.local.ministack.verified_callers import is_form, lambda_session, principal_alone
from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.paths import StackPaths
from cadence.local.shared.region import REGION
from tests.integration.local_stack.conftest import EchoStack

BUCKET = "assets-000000000000-eu-west-1"
LAMBDA = {
    "FunctionName": "echo",
    "FunctionArn": f"arn:aws:lambda:{REGION}:000000000000:function:echo",
    "Role": "arn:aws:iam::000000000000:role/echo",
}


def refused(service: Any, operation: str, **arguments: Any) -> bool:
    try:
        getattr(service, operation)(**arguments)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    return False


@pytest.mark.slow
def test_only_who_has_a_key_of_the_account_is_served(echo: EchoStack) -> None:
    connection = echo.up()
    own = AccountKey.read(echo.paths)
    assert own is not None
    as_root = MiniStack(_port(connection), own)
    assert as_root.client("dynamodb").list_tables()["TableNames"] == ["echo"]
    # What MiniStack by itself takes for the root's.
    for key in ("test", "000000000000", own.access_key_id):
        stranger = MiniStack(as_root.port, AccountKey(key, "test"))
        assert refused(stranger.client("dynamodb"), "list_tables"), key
        assert refused(stranger.client("s3"), "get_object", Bucket=BUCKET, Key="echo.zip"), key
        url = stranger.client("s3").generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "echo.zip"})
        assert requests.get(url, timeout=60).status_code == 403, key
    for service, operation, arguments in (
        ("dynamodb", "list_tables", {}),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "echo.zip"}),
    ):
        unsigned: Any = boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=connection.aws_endpoint,
            region_name=REGION,
            config=Config(signature_version=UNSIGNED),
        )
        assert refused(unsigned, operation, **arguments)
    assert requests.post(f"{connection.aws_endpoint}/_ministack/reset", timeout=60).status_code == 403

    url = as_root.client("s3").generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "echo.zip"})
    assert requests.get(url, timeout=60).ok
    form = as_root.client("s3").generate_presigned_post(BUCKET, "uploaded")
    for fields, status in (
        (form["fields"], 204),
        ({"key": "uploaded"}, 403),
        ({**form["fields"], "signature": "x"}, 403),
        ({**form["fields"], "key": "another"}, 403),
    ):
        assert requests.post(form["url"], data=fields, files={"file": b"x"}, timeout=60).status_code == status, fields
    # What the API has no route for is not found, for whoever asks.
    assert requests.get(f"{connection.url}/runner/v1/none", timeout=60).status_code == 404
    # The Lambda's own session writes what its role allows.
    requests.put(f"{connection.url}/v1/keep", data="kept", timeout=120).raise_for_status()
    session = lambda_session(
        as_root.client("lambda").get_function_configuration(FunctionName="echo"), own.secret_access_key.encode()
    )
    client: Any = boto3.client(
        "dynamodb",
        endpoint_url=connection.aws_endpoint,
        region_name=REGION,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert not refused(client, "put_item", TableName="echo", Item={"pk": {"S": "x"}})
    assert refused(client, "delete_item", TableName="echo", Key={"pk": {"S": "x"}})


def _port(connection: StackConnection) -> int:
    return int(connection.aws_endpoint.rpartition(":")[2])


def test_a_stack_draws_its_key_once_and_keeps_it_to_its_user(tmp_path: Path) -> None:
    first, second = StackPaths.of(tmp_path / "first"), StackPaths.of(tmp_path / "second")
    for paths in (first, second):
        paths.make()
        assert AccountKey.read(paths) is None
    key = AccountKey.kept(first)
    assert AccountKey.kept(first) == AccountKey.read(first) == key
    assert AccountKey.kept(second) != key
    assert stat.S_IMODE(first.account_key.stat().st_mode) == 0o600


def test_a_damaged_key_is_replaced(tmp_path: Path) -> None:
    paths = StackPaths.of(tmp_path)
    paths.make()
    for damaged in ("", "[default]\n", "no profile"):
        paths.account_key.write_text(damaged)
        assert AccountKey.read(paths) is None
        assert AccountKey.kept(paths) == AccountKey.read(paths)


def test_aws_tools_read_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = StackPaths.of(tmp_path)
    paths.make()
    key = AccountKey.kept(paths)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(paths.account_key))
    found: Any = boto3.Session().get_credentials()
    assert AccountKey(found.access_key, found.secret_key) == key


def test_a_lambdas_session_cannot_be_known_without_the_secret() -> None:
    session = lambda_session(LAMBDA, b"one")
    assert session == lambda_session(LAMBDA, b"one")
    assert session["Arn"] == "arn:aws:sts::000000000000:assumed-role/echo/echo"
    for other in (lambda_session(LAMBDA, b"two"), lambda_session({**LAMBDA, "Role": "role/other"}, b"one")):
        for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"):
            assert session[name] != other[name]


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({}, True),
        ({"method": "PUT"}, False),
        ({"query_string": b"delete"}, False),
        ({"path": "/bucket/key"}, False),
        ({"path": "/2015-03-31/functions/echo/invocations"}, False),
        ({"headers": [(b"Content-Type", b"application/json")]}, False),
        ({"headers": [(b"content-type", b"multipart/form-data; boundary=x"), (b"Authorization", b"x")]}, False),
    ],
    ids=["form", "put", "query", "object", "lambda", "json", "signed elsewhere"],
)
def test_a_form_that_is_sent_to_a_bucket_is_told_from_other_requests(changes: dict[str, Any], form: bool) -> None:
    scope = {
        "type": "http", "method": "POST", "path": "/bucket", "query_string": b"",
        "headers": [(b"Content-Type", b"multipart/form-data; boundary=x")],
    }  # fmt: skip
    assert is_form({**scope, **changes}) is form


def test_a_caller_has_the_same_name_without_its_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    session = lambda_session(LAMBDA, b"secret")
    monkeypatch.setitem(sts._sessions, session["AccessKeyId"], session)
    named = iam_evaluator.request_caller_arn
    alone = with_names(named, resolve_principal=principal_alone)
    for key in (session["AccessKeyId"], "AKIAUNKNOWN", "test", ""):
        signed = {"authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/sqs/aws4_request"}
        assert alone(signed) == named(signed), key
        assert (alone(signed) == session["Arn"]) is (key == session["AccessKeyId"])
