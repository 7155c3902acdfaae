"""Large uploads to the simulated S3 are received into files, and are the objects that they would be in any case."""

import base64
import hashlib
import http.client
import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from cadence.local.ministack.server import MiniStack
from cadence.local.ministack.serving.upload_files import SMALLEST, UploadFile, upload_size
from cadence.local.shared.account_key import AccountKey
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.region import REGION
from tests.integration.local_stack.conftest import EchoStack
from tests.waiting import eventually

BUCKET = "assets-000000000000-eu-west-1"
VERSIONED = "versions-000000000000-eu-west-1"
CONTENT = random.Random(1).randbytes(3 * SMALLEST + 7)
ONCE = {"if-none-match": "*"}
SIGNED = "/b/k?X-Amz-Credential=a%2F20260101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=0"


class Uploads:
    """Uploads over one kept connection."""

    def __init__(self, ministack: MiniStack) -> None:
        self._ministack = ministack
        self.connection = http.client.HTTPConnection("127.0.0.1", ministack.port, timeout=60)

    def put(self, key: str, content: bytes, headers: dict[str, str], bucket: str = BUCKET) -> tuple[int, str, bytes]:
        """Returns the status of the answer, its ETag and its body."""
        self.connection.request("PUT", self.signed(key, len(content), headers, bucket), body=content, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, (answer.getheader("ETag") or "").strip('"'), answer.read()

    def signed(self, key: str, length: int, headers: dict[str, str], bucket: str = BUCKET) -> str:
        signed = {**headers, "content-length": str(length)}
        request = AWSRequest("PUT", f"{self._ministack.endpoint}/{bucket}/{key}", headers=signed)
        keys = ReadOnlyCredentials(self._ministack.key.access_key_id, self._ministack.key.secret_access_key, None)
        S3SigV4QueryAuth(keys, "s3", REGION, 60).add_auth(request)
        address = urlsplit(str(request.url))
        return f"{address.path}?{address.query}"


def declared(content: bytes) -> dict[str, str]:
    return {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(content).digest()).decode()}


@contextmanager
def uploading(ministack: MiniStack) -> Iterator[Uploads]:
    uploads = Uploads(ministack)
    try:
        yield uploads
    finally:
        uploads.connection.close()


def ministack_of(echo: EchoStack, connection: StackConnection) -> MiniStack:
    key = AccountKey.read(echo.paths)
    assert key is not None
    return MiniStack(urlsplit(connection.aws_endpoint).port or 0, key)


@pytest.mark.slow
def test_uploads_become_objects_and_leave_nothing_else(echo: EchoStack) -> None:
    ministack = ministack_of(echo, echo.up())
    s3 = ministack.client("s3")
    received = Path(echo.paths.temporary, "uploads")
    sha256, md5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()

    with uploading(ministack) as uploads:
        # One after the other over one connection, so that each leaves it where the next request begins.
        assert uploads.put("declared", CONTENT, {**ONCE, **declared(CONTENT)})[:2] == (200, sha256[:32])
        assert uploads.put("plain", CONTENT, {})[:2] == (200, md5)
        assert uploads.put("small", b"small", declared(b"small"))[:2] == (200, hashlib.md5(b"small").hexdigest())
        assert uploads.put("declared", CONTENT, {**ONCE, **declared(CONTENT)})[0] == 412
        status, _, problem = uploads.put("damaged", CONTENT[:-1] + b"x", declared(CONTENT))
        assert (status, b"BadDigest" in problem) == (400, True)
        kept = uploads.connection.sock
        assert kept is not None

        head = s3.head_object(Bucket=BUCKET, Key="declared", ChecksumMode="ENABLED")
        assert (head["ContentLength"], head["ChecksumSHA256"]) == (
            len(CONTENT),
            declared(CONTENT)["x-amz-checksum-sha256"],
        )
        for key in ("declared", "plain"):
            assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == CONTENT
        assert s3.get_object(Bucket=BUCKET, Key="plain", Range="bytes=5-9")["Body"].read() == CONTENT[5:10]
        assert "damaged" not in {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}

        uploads.connection.request("PUT", f"/{BUCKET}/forged?{SIGNED.partition('?')[2]}", body=CONTENT)
        answer = uploads.connection.getresponse()
        answer.read()
        assert answer.status in (400, 403)
        assert uploads.connection.sock is kept
    # What was refused is removed once it is answered.
    eventually(lambda: not [*received.iterdir()], what=lambda: [*received.iterdir()])


@pytest.mark.slow
def test_of_a_bucket_with_versions_each_is_kept(echo: EchoStack) -> None:
    ministack = ministack_of(echo, echo.up())
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket=VERSIONED, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
    contents = [CONTENT, CONTENT[::-1]]
    with uploading(ministack) as uploads:
        for content in contents:
            assert uploads.put("key", content, declared(content), VERSIONED)[0] == 200
    versions = s3.list_object_versions(Bucket=VERSIONED)["Versions"]
    assert {
        s3.get_object(Bucket=VERSIONED, Key="key", VersionId=version["VersionId"])["Body"].read()
        for version in versions
    } == set(contents)


@pytest.mark.slow
def test_an_upload_that_breaks_off_leaves_nothing(echo: EchoStack) -> None:
    ministack = ministack_of(echo, echo.up())
    received = Path(echo.paths.temporary, "uploads")
    with uploading(ministack) as uploads:
        uploads.connection.putrequest("PUT", uploads.signed("broken", len(CONTENT), {}))
        uploads.connection.putheader("Content-Length", str(len(CONTENT)))
        uploads.connection.endheaders(CONTENT[:SMALLEST])
        eventually(lambda: [*received.iterdir()], what="the upload has begun")
    eventually(lambda: not [*received.iterdir()], what="the file is removed")
    assert not ministack.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="broken")["KeyCount"]


@pytest.mark.slow
def test_an_upload_is_there_after_a_restart(echo: EchoStack) -> None:
    ministack = ministack_of(echo, echo.up())
    with uploading(ministack) as uploads:
        assert uploads.put("kept", CONTENT, declared(CONTENT))[0] == 200
    echo.down()
    ministack = ministack_of(echo, echo.up())
    assert ministack.client("s3").get_object(Bucket=BUCKET, Key="kept")["Body"].read() == CONTENT


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    upload = UploadFile(tmp_path / "upload", 6, "md5")
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b"def")
        upload.receive(b"abc", there)
    target = tmp_path / "object"
    upload.move(str(target))
    assert (target.read_bytes(), upload.digest) == (b"abcdef", hashlib.md5(b"abcdef").digest())
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("target", "headers", "taken"),
    [
        (SIGNED, {}, True),
        (SIGNED, {"x-amz-checksum-sha256": "x"}, True),
        ("/b/k?AWSAccessKeyId=a&Signature=b&Expires=1", {}, True),
        (SIGNED, {"content-length": str(SMALLEST - 1)}, False),
        (SIGNED, {"host": "bucket.s3.localhost:4566"}, False),
        (SIGNED, {"expect": "100-continue"}, False),
        (SIGNED, {"content-md5": "x"}, False),
        (SIGNED, {"x-amz-copy-source": "b/c"}, False),
        (SIGNED, {"x-amz-decoded-content-length": "5"}, False),
        (f"{SIGNED}&partNumber=1&uploadId=x", {}, False),
        (f"{SIGNED}&x-amz-meta-a=b", {}, False),
        (SIGNED.replace("%2Fs3%2F", "%2Fsqs%2F"), {}, False),
        ("/_aws/execute-api/a?Signature=b", {}, False),
        ("/b/k", {"authorization": "AWS4-HMAC-SHA256"}, False),
    ],
)
def test_only_plain_objects_by_signed_urls_are_taken(target: str, headers: dict[str, str], taken: bool) -> None:
    given = {"host": "127.0.0.1:4566", "content-length": str(SMALLEST)} | headers
    size = upload_size(b"PUT", target.encode(), [(name.encode(), value.encode()) for name, value in given.items()])
    assert size == (SMALLEST if taken else 0)
    assert not upload_size(b"POST", target.encode(), [(b"content-length", os.fsencode(str(SMALLEST)))])
