"""What Cadence stores compressed, as text in which tests look for what must not be there."""

import gzip
import json

from cadence.adapters.lines.log_records import decode
from cadence.adapters.lines.segment_columns import is_columns, unpacked_columns
from cadence.domain.shared.errors import InvalidRequest


def readable(stored: bytes) -> bytes:
    """Returns the text of a segment or of a record of log lines, or of what gzip made; other content as it is."""
    if stored.startswith(b"\x1f\x8b"):
        return gzip.decompress(stored)
    if is_columns(stored):
        return json.dumps(unpacked_columns(stored), ensure_ascii=False).encode("utf-8", "replace")
    try:
        return "\n".join(line.text for line in decode(stored).lines).encode("utf-8", "replace")
    except InvalidRequest:
        return stored
