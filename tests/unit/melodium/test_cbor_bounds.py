"""CBOR of engines: what a few bytes could become is refused before it is decoded."""

import math
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.engine_reports.cbor_bounds import MOST_ITEMS, UnboundedCbor, require_bounded
from cadence.adapters.engine_reports.serialised import SerialisedData
from cadence.domain.melodium.redaction import Masks

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


def shared_bomb(levels: int = 30) -> bytes:
    """Each list holds the one before it twice, by reference: 2 to the power of `levels` values."""
    content = b"\xd8\x1c\x81\x00"
    for level in range(levels):
        content = b"\xd8\x1c\x82" + content + b"\xd8\x1d" + cbor2.dumps(levels - level)
    return content


@pytest.mark.parametrize(
    "content",
    [
        shared_bomb(),
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xd9\x01\x00\x82\x63abc\xd8\x19\x00",
        b"\x9b" + b"\x7f" * 8,
        b"\xbb" + b"\x7f" * 8,
        b"\x81" * 300 + b"\x00",
        b"\x9f" * 300,
        b"\x9f" + b"\x80" * (MOST_ITEMS + 1) + b"\xff",
        b"",
        b"\x82\x00",
        b"\x1c",
        b"\x9f\x00",
    ],
    ids=[
        "shared values", "a value in itself", "shared texts", "a list without end", "a map without end",
        "lists in lists", "open lists in lists", "too many items", "nothing", "cut off", "a wrong length", "never closed",
    ],
)  # fmt: skip
def test_what_would_grow_without_bound_is_refused(content: bytes) -> None:
    with pytest.raises(UnboundedCbor):
        require_bounded(content)
    assert SerialisedData(Masks()).read("some/area::Thing", content) == {"size": len(content)}


@given(VALUES)
def test_what_is_bounded_passes(value: Any) -> None:
    require_bounded(cbor2.dumps(value))


def test_open_ended_items_pass() -> None:
    require_bounded(b"\x9f\x01\x5f\x41\x00\x41\x01\xff\xbf\x61a\xc1\xfb" + b"\x00" * 8 + b"\xff\xff")
    assert math.isfinite(MOST_ITEMS)
