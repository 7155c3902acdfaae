"""Reads a document's text, YAML or JSON, into plain data."""

from typing import Literal

from cadence.domain.pipelines.document.syntax.json_text import read_json
from cadence.domain.pipelines.document.syntax.source import ParsedDocument
from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml

Media = Literal["yaml", "json"]


def guess(text: str) -> Media:
    """Returns the format of a text: JSON if it begins with { or [, else YAML."""
    return "json" if text.lstrip()[:1] in ("{", "[") else "yaml"


def read(text: str, kind: Media, *, keep_places: bool = False) -> ParsedDocument:
    """Reads a document. Raises UnreadableDocument if it has no usable data."""
    reader = read_json if kind == "json" else read_yaml
    return reader(text, keep_places=keep_places)
