"""Reads the value of a block from its content."""

import json
from typing import Any

from cadence.domain.runs.run import Value

LARGEST_VALUE = 4_096


class UnreadableValue(ValueError):
    """The control plane does not have the content of a value; the message says why."""


def read_value(value: Value) -> Any:
    """Returns the value of a small block, with secrets masked. Raises UnreadableValue."""
    name = f"{value.treatment}.{value.port}"
    if value.retention:
        raise UnreadableValue(f"{name} is not kept with the run: {value.retention.reason}")
    if value.size > LARGEST_VALUE:
        raise UnreadableValue(f"{name} has {value.size:,} bytes, and a condition can read at most {LARGEST_VALUE:,}")
    if len(value.preview) < value.size:
        raise UnreadableValue(f"{name} is no longer kept")
    return read_block(value.preview, value.type)


def read_block(content: bytes, kind: str) -> Any:
    """Returns the value that a block's `content` (UTF-8) stands for.

    Text (`kind` string, char or byte) loses its trailing line end; any other kind is parsed as JSON, or returned as
    text if it is not JSON. Empty content of such a kind is None.
    """
    text = content.decode("utf-8", "replace")
    if kind in ("string", "char", "byte"):
        return text.removesuffix("\n")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text.removesuffix("\n")
