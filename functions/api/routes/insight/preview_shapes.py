"""Shapes of previews of contents."""

from typing import Literal

from pydantic import Field

from api.endpoint import Model
from cadence.domain.values.previews import Preview


class PreviewView(Model):
    """A content, or its beginning, by its kind: which of the other members exist depends on it."""

    kind: Literal["empty", "text", "json", "table", "image", "archive", "hex"]
    media_type: str
    cut: bool = Field(description="Whether the content goes on beyond what is shown.")
    text: str | None = None
    columns: list[str] = Field(default_factory=list, description="Of a table.")
    rows: list[list[str]] = Field(default_factory=list)
    width: int | None = Field(None, description="Of an image, in pixels.")
    height: int | None = None
    names: list[str] = Field(default_factory=list, description="Of an archive's first members.")
    lines: list[str] = Field(default_factory=list, description="Bytes as `hexdump -C` writes them.")

    @classmethod
    def of(cls, preview: Preview) -> "PreviewView":
        return cls(
            kind=preview.kind,
            media_type=preview.media_type,
            cut=preview.cut,
            text=preview.text,
            columns=list(preview.columns),
            rows=[list(row) for row in preview.rows],
            width=preview.width,
            height=preview.height,
            names=list(preview.names),
            lines=list(preview.lines),
        )
