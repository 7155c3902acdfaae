"""How the beginning of a value, or a piece of it, is best shown: as text, JSON, a table, an image, an archive or bytes."""

from cadence.domain.values.previews.preview import Preview, preview

__all__ = ["Preview", "preview"]
