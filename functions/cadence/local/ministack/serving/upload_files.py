"""Receives large uploads to S3 into files, on threads of their own, for MiniStack.

MiniStack reads a body in pieces of 64 KiB on its event loop, joins them, hashes the whole twice and writes it to the
object's file: more than 7 s of CPU time for 1 GiB, in which it serves nothing else for up to 50 ms at a time. Here a
thread moves the bytes from the socket through one small buffer into a file, which becomes the object's, and hashes
them once on the way.

The ETag of an object is its MD5 as long as the uploader declares no SHA-256; else it is the beginning of that digest.
S3 itself returns an ETag that is no MD5 for objects that are encrypted with KMS.
"""

import base64
import hashlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from httptools import HttpRequestParser
from ministack import app
from ministack.core.concurrency import run_reentrant
from ministack.services import s3
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cadence.local.ministack.request_guard import AsgiApp, Receive, Scope, Send

SMALLEST = 256 << 10
"""Bytes of the smallest body that is worth a thread of its own."""

_PIECE = 512 << 10
_LONGEST_SILENCE = 60.0
_CHECKSUM = b"x-amz-checksum-sha256"
_UNHANDLED = frozenset({b"content-encoding", b"content-md5", b"content-type", b"expect", b"transfer-encoding"})
_SIGNATURE = frozenset(
    f"x-amz-{name}" for name in ("algorithm", "credential", "date", "expires", "signedheaders", "security-token")
) | {"x-amz-signature", "signature", "expires", "awsaccesskeyid"}
_HERE = frozenset({"127.0.0.1", "localhost"})
_LOGGER = logging.getLogger(__name__)

Headers = Iterable[tuple[bytes, bytes]]
ReadBody = Callable[[Receive, str, dict[str, str]], Awaitable[Any]]


class UploadFile:
    """The body of one request in a file of its own, which is removed by ``discard`` unless it was moved."""

    def __init__(self, path: Path, size: int, algorithm: str) -> None:
        """``algorithm``, ``sha256`` or ``md5``, is the only one by which the bytes are hashed while they arrive."""
        self.algorithm = algorithm
        self._path, self._size = path, size
        self._hash = hashlib.new(algorithm)

    def __len__(self) -> int:
        return self._size

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def receive(self, early: bytes, connection: socket.socket) -> None:
        """Writes the bytes that were read already, and the rest from the connection.

        Raises OSError: the connection ended or is silent, or the disk is full.
        """
        connection.settimeout(_LONGEST_SILENCE)
        buffer = memoryview(bytearray(min(_PIECE, self._size)))
        left = self._size - len(early)
        with open(self._path, "xb", opener=_opened_by_owner) as file:
            self._hash.update(early)
            file.write(early)
            while left:
                count = connection.recv_into(buffer[:left])
                if not count:
                    raise ConnectionError(f"the upload ended {left} bytes too early")
                self._hash.update(buffer[:count])
                file.write(buffer[:count])
                left -= count

    def read(self) -> bytes:
        return self._path.read_bytes()

    def move(self, target: str) -> None:
        """Makes the file another one's content."""
        self._path.replace(target)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)


def _opened_by_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # as MiniStack's other objects


class UploadProtocol(HttpToolsProtocol):
    """A connection whose large uploads are received into files; the request's body is then an ``UploadFile``."""

    folder: Path | None = None
    """Where files lie until they are an object's, on the same file system; None if none are made."""
    _size = 0
    """Of the upload whose headers have just been read."""

    def on_headers_complete(self) -> None:
        if self.folder is not None and self.scheme == "http":
            self._size = upload_size(self.parser.get_method(), self.url, self.headers)
        super().on_headers_complete()
        self._size = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._size and self.folder is not None:
            self.flow.pause_reading()
            algorithm = "sha256" if any(name == _CHECKSUM for name, _ in self.headers) else "md5"
            upload = UploadFile(self.folder / os.urandom(16).hex(), self._size, algorithm)
            app = self._receiving(cycle, upload, app)
        super()._start_asgi_task(cycle, app)

    def _receiving(self, cycle: RequestResponseCycle, upload: UploadFile, app: AsgiApp) -> AsgiApp:
        """Returns ``app``, which is called once the upload is there."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            async def receive_file() -> Any:
                message = await receive()
                return {**message, "body": upload} if message["type"] == "http.request" else message

            try:
                if await self._receive(cycle, upload):
                    await app(scope, receive_file, send)
            finally:
                upload.discard()

        return serve

    async def _receive(self, cycle: RequestResponseCycle, upload: UploadFile) -> bool:
        """Receives the rest of the body; returns False if it does not arrive, which ends the connection."""
        early = bytes(cycle.body)
        cycle.body.clear()
        own = self.transport.get_extra_info("socket").dup()
        try:
            await run_reentrant(upload.receive, early, own, thread_name="s3-upload")
        except OSError as error:
            _LOGGER.warning("An upload of %d bytes was not received: %s", len(upload), error)
            cycle.disconnected = True
            self.transport.abort()
            return False
        finally:
            own.close()
        # The parser still waits for the bytes that went past it: what comes now is another request.
        self.parser = HttpRequestParser(self)
        cycle.more_body = False
        cycle.message_event.set()
        self.flow.resume_reading()
        return True


def install() -> None:
    """Lets MiniStack receive uploads in this way, if it keeps objects in files."""
    if not s3.S3_PERSIST:
        return
    UploadProtocol.folder = folder = Path(tempfile.gettempdir(), "uploads")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    app._read_request_body = reading(app._read_request_body)  # noqa: SLF001 (no public way, here and below)
    s3.md5_hash = tagging(s3.md5_hash)
    s3._compute_s3_checksum = checking(s3._compute_s3_checksum)  # noqa: SLF001
    s3._atomic_write = moving(s3._atomic_write)  # noqa: SLF001
    s3._put_object = putting(s3._put_object)  # noqa: SLF001


def upload_size(method: bytes, target: bytes, headers: Headers) -> int:
    """Returns the length of the body if the request is one that is received into a file; else 0.

    That is a large object by a presigned URL, without anything that MiniStack would do with its content.
    """
    if method != b"PUT":
        return 0
    values = dict(headers)
    length = values.get(b"content-length", b"")
    if not length.isdigit() or int(length) < SMALLEST:
        return 0
    if _UNHANDLED & values.keys() or {name for name in values if name.startswith(b"x-amz-")} - {_CHECKSUM}:
        return 0
    address = urlsplit(f"//{values.get(b'host', b'').decode('latin-1')}{target.decode('latin-1')}")
    query = {name.lower(): value for name, value in parse_qsl(address.query, keep_blank_values=True)}
    own = "signature" in query or "/s3/aws4_request" in query.get("x-amz-credential", "")
    of_object = address.hostname in _HERE and not address.path.startswith("/_") and address.path.count("/") > 1
    return int(length) if own and of_object and query.keys() <= _SIGNATURE else 0


def reading(read: ReadBody) -> ReadBody:
    """Returns the function that reads a request's body, which returns an ``UploadFile`` as it is."""

    async def read_body(receive: Receive, method: str, headers: dict[str, str]) -> Any:
        if method != "PUT" or int(headers.get("content-length", "").strip() or 0) < SMALLEST:
            return await read(receive, method, headers)
        first = await receive()
        body = first.get("body")
        return body if isinstance(body, UploadFile) else await read(_after(first, receive), method, headers)

    return read_body


def _after(first: Any, receive: Receive) -> Receive:
    messages = [first]

    async def receive_again() -> Any:
        return messages.pop() if messages else await receive()

    return receive_again


def tagging(md5_hash: Any) -> Any:
    """Returns the function that makes ETags."""

    def tag(body: bytes | UploadFile) -> str:
        return body.digest.hex()[:32] if isinstance(body, UploadFile) else str(md5_hash(body))

    return tag


def checking(compute: Any) -> Any:
    """Returns the function that computes a checksum in Base64."""

    def checksum(algorithm: str, body: bytes | UploadFile) -> str | None:
        if not isinstance(body, UploadFile):
            return compute(algorithm, body)  # type: ignore[no-any-return]
        if algorithm.lower() == body.algorithm:
            return base64.b64encode(body.digest).decode()
        return compute(algorithm, body.read())  # type: ignore[no-any-return]

    return checksum


def moving(write: Any) -> Any:
    """Returns the function that writes an object's file."""

    def write_file(path: str, data: bytes | UploadFile, **options: Any) -> None:
        if isinstance(data, UploadFile):
            data.move(path)
        else:
            write(path, data, **options)

    return write_file


def putting(put: Any) -> Any:
    """Returns the function that stores an object; of buckets with versions or replicas MiniStack gets the bytes."""

    def put_object(bucket: str, key: str, body: bytes | UploadFile, headers: dict[str, str]) -> Any:
        kept_elsewhere = s3._bucket_versioning.get(bucket) or s3._bucket_replication.get(bucket)  # noqa: SLF001
        return put(bucket, key, body.read() if kept_elsewhere and isinstance(body, UploadFile) else body, headers)

    return put_object
