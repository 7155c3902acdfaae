"""Values as the control plane keeps them, read and written by the agent: the same bytes, and back to what the engine
wrote.
"""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.adapters.engine_reports.serialised import SerialisedData
from cadence.domain.melodium.rawvalue import Keeping
from cadence.domain.melodium.redaction import Masks
from runner_bootstrap.agent.programs import stored_values
from runner_bootstrap.agent.programs.engine_values import ValueFault

JSON = {"version": "0.10.2", "path": ["json"], "name": "Json"}
DATA = {"data": {"identifier": JSON, "documentation": ""}}
NUMBERS = {"u8": (0, 255), "i64": (-(2**63), 2**63 - 1), "u128": (0, 2**128 - 1)}
WORDS = st.text(max_size=12).filter(lambda text: "***" not in text and "://" not in text)

Typed = tuple[Any, Any]


def data(content: Any) -> Typed:
    return {"data": [JSON, list(cbor2.dumps(content))]}, DATA


def integers(name: str) -> st.SearchStrategy[Typed]:
    return st.integers(*NUMBERS[name]).map(lambda number: ({name: number}, name))


plain = st.one_of(
    *map(integers, NUMBERS),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: ({"f64": value}, "f64")),
    st.booleans().map(lambda value: ({"bool": value}, "bool")),
    WORDS.map(lambda text: ({"string": text}, "string")),
    st.just(({"void": None}, "void")),
    st.dictionaries(st.sampled_from(["a", "b", "shape"]), st.one_of(st.integers(-9, 9), WORDS, st.none())).map(data),
)
typed: st.SearchStrategy[Typed] = st.recursive(
    plain,
    lambda inner: st.one_of(
        inner.map(lambda one: ({"option": one[0]}, {"option": one[1]})),
        inner.map(lambda one: ({"option": None}, {"option": one[1]})),
        inner.map(lambda one: ({"vec": [one[0], one[0]]}, {"vec": one[1]})),
    ),
    max_leaves=4,
)


def kept_by_the_control_plane(raw: Any) -> Any:
    masks = Masks()
    return Keeping(masks, SerialisedData(masks).read).keep(raw).value


@given(typed)
def test_what_is_kept_is_restored_and_written_to_the_byte(one: Typed) -> None:
    raw, of = one
    kept = kept_by_the_control_plane(raw)
    assert stored_values.restored(json.loads(msgspec.json.encode(kept)), of) == raw
    assert stored_values.lines_of([raw], of) == msgspec.json.encode(kept) + b"\n"


@pytest.mark.parametrize("value", [1e16, 1e-5, 1.5e-5, -1e-5, 1e-6, 1.5e300, -0.0, 5e-324, 0.00012345, 1e15, 100.0])
def test_numbers_are_written_as_the_control_plane_writes_them(value: float) -> None:
    assert stored_values.to_json(value).encode() == msgspec.json.encode(value)


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0.1, "0.1"), (1 / 3, "0.33333334"), (16777216.0, "16777216.0"), (3.4e38, "3.4e38"), (1e-10, "1e-10")],
)
def test_single_precision_has_as_many_digits_as_in_an_event(value: float, digits: str) -> None:
    (as_sent,) = struct.unpack(">f", struct.pack(">f", value))
    assert stored_values.lines_of([{"f32": as_sent}], "f32").decode() == f"{digits}\n"


def test_a_stream_is_read_as_it_comes() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(3)

    batches = list(stored_values.read(Slow(b'1\n22\n333\n"'[:-1]), "u64"))
    assert [value for values in batches for value in values] == [{"u64": 1}, {"u64": 22}, {"u64": 333}]
    assert b"".join(stored_values.read(Slow(b"\x00\xff\n\n"), "byte")) == b"\x00\xff\n\n"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kept", "of", "why"),
    [
        ("Bearer ***", "string", "stands where a secret was masked"),
        (["x", "***"], {"vec": "string"}, "stands where a secret was masked"),
        (None, "f64", "NaN and infinity"),
        ({"some": None}, {"option": "f32"}, "NaN and infinity"),
        ({"data": "json::Json", "value": {"key": {"redacted": True}}}, DATA, "holds a secret"),
        ({"data": "json::Json"}, DATA, "exists only inside of its engine"),
        ({"data": "json::Json", "value": "***", "cbor": "YXg="}, DATA, "stands where a secret was masked"),
        (7, {"vec": "u64"}, "7 is not a Vec<u64>"),
    ],
)
def test_what_was_not_kept_whole_is_refused(kept: Any, of: Any, why: str) -> None:
    with pytest.raises(ValueFault, match=why):
        stored_values.restored(kept, of)


def test_what_is_sent_is_of_its_type_and_without_secrets() -> None:
    with pytest.raises(ValueFault, match="sent a i64, not a u64"):
        stored_values.stored({"i64": 1}, "u64")
    with pytest.raises(ValueFault, match="sent a vec, not a Option<u64>"):
        stored_values.stored({"vec": []}, {"option": "u64"})
    assert (
        stored_values.stored({"string": "git clone https://me:word@host/x"}, "string") == "git clone https://***@host/x"
    )
    secret, of = data({"api_key": "hidden", "name": "x"})
    shown = {"data": "json::Json", "value": {"api_key": {"redacted": True}, "name": "x"}}
    assert stored_values.stored(secret, of) == shown == kept_by_the_control_plane(secret)
