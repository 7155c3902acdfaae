"""CBOR as engines speak it, held against a library, and what is none."""

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bootstrap.agent.programs.cbor import CborError, decode, encode

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**127), 2**128 - 1)
    | st.floats(allow_nan=False)
    | st.binary()
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(VALUES)
def test_what_is_written_is_read_by_others_and_the_other_way_round(value: Any) -> None:
    assert decode(encode(value)) == value
    assert cbor2.loads(encode(value)) == value
    assert decode(cbor2.dumps(value)) == value
    assert decode(cbor2.dumps(value, canonical=True)) == value  # short floats


def test_open_ended_items_are_read() -> None:
    assert decode(bytes.fromhex("9f0102ff")) == [1, 2]
    assert decode(bytes.fromhex("bf616101ff")) == {"a": 1}
    assert decode(bytes.fromhex("7f61616162ff")) == "ab"
    assert decode(bytes.fromhex("5f4101ff")) == b"\x01"


@given(st.binary(max_size=60))
def test_anything_else_is_refused_in_one_way(content: bytes) -> None:
    try:
        decode(content)
    except CborError:
        return


@pytest.mark.parametrize("content", [b"", b"\x81", b"\x9b" + b"\xff" * 8, b"\x81" * 500, b"\x01\x02", b"\xfc"])
def test_what_lies_about_its_length_costs_nothing(content: bytes) -> None:
    with pytest.raises(CborError):
        decode(content)
