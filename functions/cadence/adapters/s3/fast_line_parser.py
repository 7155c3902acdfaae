"""Parses older segments for Lambdas that read millions of lines, in a third of the time of Python's own parser.

It is a module of its own, since it needs a library that most Lambdas do without.
"""

import gzip
from collections.abc import Sequence

from pydantic_core import from_json

from cadence.adapters.lines.segment_columns import is_columns, unpacked_columns
from cadence.adapters.s3.log_segments import lines_of
from cadence.application.logs.ports import Line


def quick_lines(stored: bytes) -> Sequence[Line]:
    """Parses like `lines_of`."""
    if is_columns(stored):
        return unpacked_columns(stored)
    together = b"[" + gzip.decompress(stored).rstrip(b"\n").replace(b"\n", b",") + b"]"
    try:
        lines: Sequence[Line] = from_json(together, cache_strings="all")
    except ValueError:
        # Halves of surrogate pairs, which it does not accept; or no segment at all.
        return lines_of(stored)
    return lines
