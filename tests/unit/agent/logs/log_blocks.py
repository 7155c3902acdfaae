"""Reads blocks of lines as the gateway does."""

from __future__ import annotations

import base64
import zlib
from typing import Any


def lines_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the lines of a request's block, each as it would be by itself."""
    return lines_of_spans(block["first"], block["spans"], base64.b64decode(block["text"], validate=True))


def lines_of_spans(first: int, spans: list[dict[str, Any]], packed: bytes) -> list[dict[str, Any]]:
    """Returns the lines of spans from number ``first`` on."""
    content = zlib.decompress(packed)
    lines: list[dict[str, Any]] = []
    for span in spans:
        text, content = content[: span["bytes"]].decode(), content[span["bytes"] :]
        common = {name: value for name, value in span.items() if name not in {"lines", "bytes"}}
        texts = text.split("\n") if span["lines"] > 1 else [text]
        assert len(texts) == span["lines"]
        lines += [{**common, "seq": first + len(lines) + n, "text": one} for n, one in enumerate(texts)]
    assert not content
    return lines
