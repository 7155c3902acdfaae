"""`Uploaded` and `Parts` in the data bucket."""

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import IO, Any, cast

import msgspec
from botocore.exceptions import ClientError

from cadence.adapters.engine_reports import parts as events_format
from cadence.adapters.engine_reports.debug_chunk import ReadEvents
from cadence.adapters.engine_reports.log_chunk import ReadEntries
from cadence.adapters.engine_reports.pieces import ByteSource
from cadence.adapters.engine_reports.program import redacted_program
from cadence.adapters.s3.buckets import found
from cadence.application.melodium.intake import ReportPart, ReportParts, Uploaded
from cadence.application.runs.ports import EngineStream
from cadence.domain.melodium.events import Event
from cadence.domain.melodium.log_entry import LogEntry
from cadence.domain.melodium.redaction import Masks
from cadence.domain.shared import ids
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge

_LARGEST_PROGRAM = 64 * 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024
_MOST_TARGETS = 200
_MOST_SECRETS = 10_000


class S3Uploaded(Uploaded):
    """Masks secrets in uploads.

    A secret that was met is masked in what comes after it: anywhere in the same chunk, as a word in later ones.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def entries(self, key: str) -> Iterator[LogEntry]:
        return ReadEntries(self._masks(key)).read(self._open(key))

    def events(self, key: str, run_id: str) -> Iterator[tuple[str, Event]]:
        masks = self._masks(key)
        yield from ReadEvents(masks).read(self._open(key), run_id)
        self._remember(key, masks)

    def program(self, key: str) -> bytes:
        content = self._open(key).read(_LARGEST_PROGRAM + 1)
        if len(content) > _LARGEST_PROGRAM:
            raise TooLarge(f"A program has at most {_LARGEST_PROGRAM} bytes.")
        masks = self._masks(key)
        shown = redacted_program(content, masks)
        self._remember(key, masks)
        return shown

    def _masks(self, key: str) -> Masks:
        try:
            stored = _open(self._client, self._bucket, _secrets_key(key)).read(-1)
        except NotFound:
            return Masks()
        return Masks(set(msgspec.json.decode(stored, type=list[str])))

    def _remember(self, key: str, masks: Masks) -> None:
        secrets = masks.known()
        if secrets != masks.digests:
            content = msgspec.json.encode(sorted(secrets)[:_MOST_SECRETS])
            self._client.put_object(Bucket=self._bucket, Key=_secrets_key(key), Body=content)

    def exists(self, key: str) -> bool:
        with suppress(NotFound), found(key):
            self._client.head_object(Bucket=self._bucket, Key=key)
            return True
        return False

    def remove(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def _open(self, key: str) -> ByteSource:
        return _open(self._client, self._bucket, key)


class S3Parts(ReportParts):
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write_entries(self, part: ReportPart, entries: Iterable[LogEntry]) -> None:
        lines = (msgspec.json.encode(entry) + b"\n" for entry in entries)
        self._write(part, zlib.compress(b"".join(lines), 1))

    def write_events(self, source: str, number: int, events: Iterable[tuple[str, Event]]) -> Sequence[str]:
        with ExitStack() as files:
            writing: dict[str, _Writing] = {source: _Writing(files)}
            for run_id, event in events:
                if run_id not in writing:
                    if len(writing) >= _MOST_TARGETS:
                        raise InvalidRequest(f"A chunk has events of at most {_MOST_TARGETS} processes.")
                    writing[run_id] = _Writing(files)
                writing[run_id].add(events_format.encode(event))
            for run_id, part in writing.items():
                self._write(ReportPart(run_id, EngineStream.DEBUG, source, number), part.finished())
            return list(writing)

    def stored(
        self, run_id: str, stream: EngineStream, source: str | None = None
    ) -> Mapping[str, Mapping[int, datetime]]:
        prefix = f"{_folder(run_id)}{stream}/{f'{source}/' if source else ''}"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        written: dict[str, dict[int, datetime]] = {}
        for page in pages:
            for item in page.get("Contents", ()):
                *_, its_source, number = item["Key"].split("/")
                written.setdefault(its_source, {})[int(number)] = item["LastModified"]
        return written

    def entries(self, part: ReportPart) -> Iterator[LogEntry]:
        for line in events_format.lines(self._open(part)):
            yield msgspec.json.decode(line, type=LogEntry)

    def events(self, part: ReportPart) -> Iterator[tuple[bytes, Event]]:
        for line in events_format.lines(self._open(part)):
            yield events_format.digest(line), events_format.decode(line)

    def load(self, run_id: str, name: str) -> bytes | None:
        try:
            return _open(self._client, self._bucket, _state_key(run_id, name)).read(-1)
        except NotFound:
            return None

    def save(self, run_id: str, name: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=_state_key(run_id, name), Body=content)

    def _open(self, part: ReportPart) -> ByteSource:
        return _open(self._client, self._bucket, _key(part))

    def _write(self, part: ReportPart, content: bytes | IO[bytes]) -> None:
        """Writes the object unless it exists: the first one stays, with its time."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=_key(part), Body=content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise


class _Writing:
    """A part that is being written, on disk if it is large."""

    def __init__(self, files: ExitStack) -> None:
        self._file = files.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (the stack closes it)
        self._packing = zlib.compressobj(1)

    def add(self, line: bytes) -> None:
        self._file.write(self._packing.compress(line))

    def finished(self) -> IO[bytes]:
        self._file.write(self._packing.flush())
        self._file.seek(0)
        return cast("IO[bytes]", self._file)


def _open(client: Any, bucket: str, key: str) -> ByteSource:
    with found(key):
        return cast(ByteSource, client.get_object(Bucket=bucket, Key=key)["Body"])


def _folder(run_id: str) -> str:
    return f"runs/{run_id}/melodium/"


def _state_key(run_id: str, name: str) -> str:
    return ids.process_key(run_id, name)


def _secrets_key(upload: str) -> str:
    """Returns the key of the secrets of the process that uploaded."""
    return _state_key(upload.split("/")[1], "secrets")


def _key(part: ReportPart) -> str:
    return f"{_folder(part.run_id)}{part.stream}/{part.source}/{part.number:012}"
