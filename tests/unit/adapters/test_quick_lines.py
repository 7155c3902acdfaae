"""Lines of a segment, read quickly."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.s3.fast_line_parser import quick_lines
from cadence.adapters.s3.log_segments import lines_of

TEXTS = st.text(alphabet=st.characters(), max_size=20) | st.sampled_from(["half \ud83d", "\n", '"', "\u2028", "\x00"])
LINES = st.lists(st.fixed_dictionaries({"seq": st.integers(0, 1 << 60), "text": TEXTS, "pool": st.none() | TEXTS}))


def _stored(lines: list[Any]) -> bytes:
    """As the indexer writes them."""
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return gzip.compress(text.encode("utf-8", "surrogatepass"))


@given(LINES)
def test_it_reads_what_the_indexer_writes(lines: list[Any]) -> None:
    assert quick_lines(_stored(lines)) == lines == lines_of(_stored(lines))


@pytest.mark.parametrize(
    "data", [b"no gzip", gzip.compress(b"{", mtime=0), gzip.compress(b'{"a": 1}\nno json\n', mtime=0)]
)
def test_what_is_no_segment_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, OSError)):
        quick_lines(data)
