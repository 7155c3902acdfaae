"""Mélodium's distribution protocol as the asking engine speaks it, over a loopback connection without TLS."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import uuid
from typing import Any, NamedTuple

from ..shared.engine_release import EngineRelease
from . import batches, cbor

#: Seconds between probes; an engine closes a connection on which it receives nothing for long.
PROBE_SECONDS = 10.0
_LARGEST_FRAME = 1 << 30


class DistributionError(Exception):
    """The other engine refuses, or sends a message that cannot be parsed."""


class EngineMessage(NamedTuple):
    """A message.

    ``body`` is undecoded if it may be large (`Debug`, `OutputData`): see ``text_of`` and ``output_of``.
    """

    kind: str
    body: Any
    frame: bytes


class SessionKeys(NamedTuple):
    """The keys by which two engines authenticate each other. The other engine has to send ``ours``."""

    theirs: uuid.UUID
    ours: uuid.UUID
    group: uuid.UUID


class EngineSession:
    """One connection to an engine of ``release``. Any thread may send, one may receive."""

    def __init__(self, connection: socket.socket, release: EngineRelease) -> None:
        self._release = release
        # Small messages are exchanged: neither side may wait for a fuller packet or a later acknowledgement.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._file = connection.makefile("rb", buffering=1 << 20)
        self._sending = threading.Lock()

    def ask(self, keys: SessionKeys) -> None:
        """Opens the session. Raises DistributionError unless the engine accepts it."""
        version = self._release.version
        request = {
            "melodium_version": version,
            "distribution_version": self._release.protocol,
            "key": keys.theirs.bytes,
            "asking_run_id": uuid.uuid4().bytes,
            "group_id": keys.group.bytes,
        }
        self.send({"AskDistribution": request})
        confirmed = self._answer("ConfirmDistribution")
        if not confirmed.get("accept"):
            raise DistributionError(f"it refuses to work with version {version}; its own is {_shown(confirmed)}")
        if confirmed.get("key") != keys.ours.bytes:
            raise DistributionError("it is not the engine that was started")

    def launch(self, collection: Any, entrypoint: Any, parameters: dict[str, Any]) -> None:
        """Launches the entrypoint. Raises DistributionError with the engine's message if it fails."""
        self.send({"LoadAndLaunch": {"collection": collection, "entrypoint": entrypoint, "parameters": parameters}})
        status = self._answer("LaunchStatus")
        if status != "Ok":
            raise DistributionError(str(status.get("Failure") if isinstance(status, dict) else status))

    def send(self, message: Any) -> None:
        """Encodes and sends a message. Raises OSError once the connection is closed."""
        self.send_frame(cbor.encode(message))

    def send_values(self, number: int, port: str, values: "list[Any] | bytes") -> None:
        """Sends values as Mélodium writes them (``{"u64": 1}``); bytes stand for values of type byte."""
        start = cbor.head(5, 1) + cbor.encode("InputData") + cbor.head(5, 3) + cbor.encode("id") + cbor.encode(number)
        start += cbor.encode("name") + cbor.encode(port) + cbor.encode("data")
        self.send_frame(start + (batches.packed(values) if self._release.packs_values else batches.tagged(values)))

    def send_frame(self, frame: bytes) -> None:
        """Sends an encoded message. Raises OSError once the connection is closed."""
        with self._sending:
            self._connection.sendall(struct.pack(">I", len(frame)) + frame)

    def receive(self) -> EngineMessage | None:
        """Returns the next message, or None once the other side has closed.

        Raises DistributionError for invalid data.
        """
        frame = self._frame()
        if frame is None:
            return None
        try:
            kind = _kind(frame)
            large = kind in ("Debug", "OutputData")
            body = None if large else cbor.decode(frame)
        except cbor.CborError as error:
            raise DistributionError(f"a message that is no CBOR: {error}") from error
        if isinstance(body, dict):
            body = body.get(kind)
        return EngineMessage(kind, body, frame)

    def drain(self) -> None:
        """Receives the remaining messages; call it once the engine knows that the work has ended."""
        while self.receive() is not None:
            continue

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other side may have closed it already
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _frame(self) -> bytes | None:
        try:
            self._acknowledge()
            size = self._file.read(4)
            length = struct.unpack(">I", size)[0] if len(size) == 4 else 0
            if length > _LARGEST_FRAME:
                raise DistributionError(f"a message of {length} bytes")
            frame = self._file.read(length)
        except OSError:
            return None  # the connection is closed
        return frame if length and len(frame) == length else None

    def _acknowledge(self) -> None:
        """Requests immediate acknowledgements: the engine delays a small message until the previous one is
        acknowledged.
        """
        quick = getattr(socket, "TCP_QUICKACK", None)
        if quick is not None:
            self._connection.setsockopt(socket.IPPROTO_TCP, quick, 1)

    def _answer(self, kind: str) -> Any:
        while True:
            message = self.receive()
            if message is None:
                raise DistributionError("it closed the connection")
            if message.kind == kind:
                return message.body


class OutputValues(NamedTuple):
    """The values of an `OutputData`; those of type byte are ``bytes``."""

    number: int
    port: str
    values: Any


def output_of(message: EngineMessage) -> OutputValues:
    """Decodes an `OutputData` of any release. Raises cbor.CborError."""
    quick = batches.tagged_bytes(message.frame)
    if quick is not None:
        return OutputValues(*quick)
    body = cbor.decode(message.frame)["OutputData"]
    return OutputValues(body["id"], body["name"], batches.values_of(body["data"]))


def text_of(message: EngineMessage) -> str:
    """Returns the text of a `Debug`, which is JSON."""
    body = cbor.decode(message.frame)["Debug"]
    return body if isinstance(body, str) else ""


def _kind(frame: bytes) -> str:
    reader = cbor.CborReader(frame)
    kind = reader.first_text()
    if kind is None:
        raise cbor.CborError("it names no kind")
    return kind


def _shown(confirmed: dict[str, Any]) -> str:
    return f"{confirmed.get('melodium_version')} (protocol {confirmed.get('distribution_version')})"
