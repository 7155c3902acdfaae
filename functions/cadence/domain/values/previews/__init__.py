"""Previews of a value's beginning or of a piece of it: as text, JSON, a table, an image, an archive or bytes."""

from cadence.domain.values.previews.preview import Preview, preview

__all__ = ["Preview", "preview"]
