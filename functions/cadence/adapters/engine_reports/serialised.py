"""The content of values of data types: CBOR, in which environments may hold secrets."""

import base64
import io
import math
import uuid
from collections.abc import Mapping
from typing import Any

import cbor2

from cadence.adapters.engine_reports.cbor_bounds import require_bounded
from cadence.domain.melodium.redaction import KNOWN_AS, SECRET_DATA, Masks, digest, is_secret, redacted

_DEEPEST = 32


class UnreadableReport(Exception):
    pass


class SerialisedData:
    """Implements `ReadData`."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def read(self, name: str, content: bytes) -> Mapping[str, Any]:
        if name in SECRET_DATA:
            return _known_as(content)
        try:
            require_bounded(content)
            with io.BytesIO(content) as stream:
                read = cbor2.load(stream)
            shown = self._shown(read, 0)
        except (cbor2.CBORDecodeError, UnreadableReport, RecursionError, ValueError, TypeError, OverflowError):
            # What cannot be read may hold anything.
            return {"size": len(content)}
        if shown == read:
            return {"value": shown, "cbor": base64.b64encode(content).decode()}
        return {"value": shown}

    def _shown(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise UnreadableReport
        if isinstance(value, Mapping):
            return {self._key(key): self._member(key, each, depth) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._shown(each, depth + 1) for each in value]
        if isinstance(value, str):
            return self._masks.masked(value)
        if isinstance(value, bytes):
            return list(self._masks.masked_bytes(value))
        if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, float):
            return None
        raise UnreadableReport

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise UnreadableReport
        return key

    def _member(self, key: Any, value: Any, depth: int) -> Any:
        if isinstance(key, str) and is_secret(key) and value not in (None, "", {}, []):
            self._masks.learn(value)
            return redacted()
        return self._shown(value, depth + 1)


def _known_as(content: bytes) -> Mapping[str, Any]:
    """Returns what is known of how a worker is reached; nothing if it cannot be read."""
    try:
        require_bounded(content)
        with io.BytesIO(content) as stream:
            return {KNOWN_AS: digest(str(uuid.UUID(bytes=cbor2.load(stream)["remote_key"])))}
    except (cbor2.CBORDecodeError, RecursionError, ValueError, TypeError, KeyError, OverflowError):
        return {}
