"""Reads the value of a block from its content."""

import json
from typing import Any

LARGEST_VALUE = 4_096


def read_block(content: bytes, kind: str) -> Any:
    """The value that a block's content stands for: text without its line end, anything else as JSON if it is."""
    text = content.decode("utf-8", "replace")
    if kind in ("string", "char", "byte"):
        return text.removesuffix("\n")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text.removesuffix("\n")
