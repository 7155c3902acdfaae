"""Reads the value of a block from its content."""

import json
from typing import Any

LARGEST_VALUE = 4_096


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
