"""From a document's bytes to plain data, YAML or JSON."""

from typing import Literal

from cadence.domain.pipelines.document.syntax.json_text import read_json
from cadence.domain.pipelines.document.syntax.source import ParsedDocument
from cadence.domain.pipelines.document.syntax.yaml_text import read_yaml

Media = Literal["yaml", "json"]


def guess(text: str) -> Media:
    """A text that begins with { or [ is taken for JSON, and any other for YAML."""
    return "json" if text.lstrip()[:1] in ("{", "[") else "yaml"


def read(text: str, kind: Media, *, keep_places: bool = False) -> ParsedDocument:
    """Raises `Unreadable` when there is no data to go on with."""
    reader = read_json if kind == "json" else read_yaml
    return reader(text, keep_places=keep_places)
