"""Reads events of an engine from a chunk as it was uploaded."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cadence.adapters.engine_reports.pieces import ByteSource, elements
from cadence.adapters.engine_reports.serialised import SerialisedData
from cadence.domain.melodium.events import (
    Built,
    Closed,
    CountedValues,
    Event,
    Finished,
    ModelsOver,
    Moved,
    SecretUsed,
    SentValues,
    Started,
    Track,
    TrackedTreatment,
    place_of,
)
from cadence.domain.melodium.identifier import text_of
from cadence.domain.melodium.rawvalue import Keeping, StoredValue, is_bytes, more_exact
from cadence.domain.melodium.redaction import Masks, is_secret, redacted

_DEEPEST = 8  # workers of workers
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A stream of bytes, which would otherwise be millions of objects.
_BYTES = b'"values":[{"byte":'
_BYTE_OPEN, _BYTE_CLOSE = b'{"byte":', b"}"


class _Envelope(msgspec.Struct):
    timestamp: str
    kind: msgspec.Raw


# What the engine writes in place of a secret's value, without regard to the JSON text around it.
_MASKED = re.compile(rb'<secret "([^"\\]*)">')
_SECRETS = "secret_"

_ENVELOPE = msgspec.json.Decoder(_Envelope)
_NUMBERS = msgspec.json.Decoder(list[int])


@dataclass
class ReadEvents:
    """Reads events. `unreadable` counts elements that were no event as an engine writes it, and were left out."""

    masks: Masks
    unreadable: int = 0
    _keep: Keeping = field(init=False)

    def __post_init__(self) -> None:
        self._keep = Keeping(self.masks, SerialisedData(self.masks).read)

    def read(self, source: ByteSource, run_id: str) -> Iterator[tuple[str, Event]]:
        """Returns each event with its run. Raises InvalidRequest for what is no chunk at all."""
        for element in elements(source):
            yield from self._event(element, run_id, 0)

    def _event(self, text: bytes, run_id: str, depth: int) -> Iterator[tuple[str, Event]]:
        try:
            envelope = _envelope(text)
            kind = bytes(envelope.kind)
            if kind.startswith(b'{"distant"'):
                yield from self._distant(msgspec.json.decode(kind)["distant"], depth)
                return
            event = self._read(envelope.timestamp, kind)
        except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.unreadable += 1
            return
        if event is not None:
            yield run_id, event

    def _distant(self, body: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Event]]:
        run_id, text = body["run_id"], body["text"]
        if depth >= _DEEPEST or not isinstance(run_id, str) or not _UUID.fullmatch(run_id):
            raise ValueError("not an event of a worker")
        yield from self._event(text.encode(), run_id, depth + 1)

    def _read(self, at: str, kind: bytes) -> Event | None:
        if kind == b'"continuous_models_finished"':
            return ModelsOver(at)
        if kind.startswith(b'"'):
            return None
        bytes_sent = kind.find(_BYTES)
        if kind.startswith(b'{"data_sent"') and bytes_sent > 0:
            with contextlib.suppress(msgspec.DecodeError, ValueError):
                return self._bytes_sent(at, kind, bytes_sent)
        ((name, body),) = msgspec.json.decode(kind).items()
        return self._of_kind(at, name, body)

    def _of_kind(self, at: str, name: str, body: Mapping[str, Any]) -> Event | None:
        match name:
            case "treatment_built":
                environment = body["environment"]
                place = place_of(body, environment["track_id"])
                return Built(at, place, self.parameters(environment["variables"]))
            case "model_built":
                self.parameters(body["parameters"])  # to know the secrets in them
            case "treatment_started" | "treatment_finished":
                place = place_of(body, body["track_id"])
                return Started(at, place) if name == "treatment_started" else Finished(at, place)
            case "data_sent":
                return self._sent(at, body)
            case "data_transmitted":
                source, target = body["output"], body["input"]
                return Moved(
                    at=at,
                    source=place_of(source, body["track_id"]),
                    output=str(source["name"]),
                    target=place_of(target, body["track_id"]),
                    input=str(target["name"]),
                    count=_count(body["data"]),
                )
            case "output_closed" | "input_closed":
                side = name.removesuffix("_closed")
                place = place_of(body[side], body["track_id"])
                return Closed(at, place, str(body[side]["name"]), output=side == "output")
            case "track_added" | "track_finished":
                return Track(at, int(body["info"]["id"]), finished=name == "track_finished")
        return self._secret_used(at, name, body) if name.startswith(_SECRETS) else None

    def _secret_used(self, at: str, name: str, body: Mapping[str, Any]) -> SecretUsed:
        track = body.get("track_id")
        detail = body.get("transmission") or body.get("reason") or body.get("error") or ""
        return SecretUsed(
            at=at,
            secret=str(body["secret_name"]),
            how=name.removeprefix(_SECRETS),
            treatment=text_of(body["element"]),
            label=str(body["label"]) if body.get("label") is not None else None,
            track=int(track) if track is not None else None,
            detail=self.masks.masked(str(detail)),
        )

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns by name `{"type", "value"}`, or `{"redacted": true}` where the name indicates a secret."""
        for name, raw in given.items():
            if is_secret(name):
                self.masks.learn_raw(raw)
        return {
            name: redacted() if is_secret(name) else _value_json(self._keep.keep(raw)) for name, raw in given.items()
        }

    def _sent(self, at: str, body: Mapping[str, Any]) -> SentValues | CountedValues | None:
        place, port = place_of(body["output"], body["track_id"]), str(body["output"]["name"])
        content = body["data"]
        if isinstance(content, Mapping) and "count" in content:
            return CountedValues(at, place, port, _count(content))
        if not isinstance(content, Mapping) or "values" not in content:
            return None
        values = [self._keep.keep(raw) for raw in content["values"]["values"]]
        if not values:
            return None
        type_ = values[0].type
        for one in values:
            type_ = more_exact(type_, one.type)
        if is_bytes(type_):
            return SentValues(
                at=at,
                place=place,
                port=port,
                type=type_,
                count=len(values),
                content=self.masks.masked_bytes(bytes(one.value for one in values)),
            )
        lines = b"".join(msgspec.json.encode(one.value) + b"\n" for one in values)
        return SentValues(at=at, place=place, port=port, type=type_, count=len(values), content=lines)

    def _bytes_sent(self, at: str, kind: bytes, start: int) -> SentValues:
        """Returns how many bytes were sent.

        The numbers are taken from the text itself, and the rest is read without them. Raises if the values are of
        another kind.
        """
        first, end = start + len(b'"values":['), kind.rindex(b"]")
        numbers = kind[first:end].replace(_BYTE_OPEN, b"").replace(_BYTE_CLOSE, b"")
        content = bytes(_NUMBERS.decode(b"[" + numbers + b"]"))
        body = msgspec.json.decode(kind[:first] + kind[end:])["data_sent"]
        place: TrackedTreatment = place_of(body["output"], body["track_id"])
        masked = self.masks.masked_bytes(content)
        return SentValues(
            at=at, place=place, port=str(body["output"]["name"]), type="byte", count=len(content), content=masked
        )


def _envelope(text: bytes) -> _Envelope:
    try:
        return _ENVELOPE.decode(text)
    except msgspec.DecodeError:
        return _ENVELOPE.decode(_MASKED.sub(rb'<secret \\"\1\\">', text))


def _value_json(value: StoredValue) -> dict[str, Any]:
    return {"type": value.type, "value": value.value}


def _count(data: Any) -> int:
    return int(data["count"]["count"]) if isinstance(data, Mapping) and "count" in data else 0
