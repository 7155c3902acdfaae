"""The type language and the values of its types."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.document import (
    DataType,
    Flow,
    FlowType,
    TypeSyntaxError,
    parse_data_type,
    parse_flow_type,
)
from cadence.domain.pipelines.document.connections.types import Map, Option, Scalar, Vec
from cadence.domain.pipelines.document.syntax.literals import content, mismatch, unwritable

data_types: st.SearchStrategy[DataType] = st.recursive(
    st.sampled_from(Scalar),
    lambda inner: st.one_of(st.builds(Option, inner), st.builds(Vec, inner), st.builds(Map, inner)),
    max_leaves=8,
)
flow_types = st.builds(FlowType, st.sampled_from(Flow), data_types)


@given(flow_types)
def test_a_type_reads_back_from_its_text(flow_type: FlowType) -> None:
    assert parse_flow_type(str(flow_type)) == flow_type


@given(data_types, st.lists(st.sampled_from(" \t\n"), max_size=3).map("".join))
def test_blanks_between_the_parts_of_a_type_mean_nothing(data_type: DataType, blanks: str) -> None:
    text = str(data_type).replace("<", f"{blanks}<{blanks}").replace(">", f"{blanks}>")

    assert parse_data_type(text) == data_type


@given(st.text(max_size=40) | st.text(alphabet="Block<>Vecu8, T", max_size=40))
def test_any_other_text_is_refused_as_one(text: str) -> None:
    for parse in (parse_flow_type, parse_data_type):
        with suppress(TypeSyntaxError):
            parsed = parse(text)
            assert parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Stream", "lacks the item type of Stream"),
        ("Stream<>", "a type instead of >"),
        ("Stream<byte", "lacks a closing >"),
        ("Stream<byte>>", "after its end"),
        ("Stream<Block<u8>>", "has Block inside another type"),
        ("Stream<Map<string, u8>>", "lacks a closing >"),
        ("Stram<u8>", "not a kind of flow"),
        ("", "should have Block or Stream at its end"),
        ("Block<" + "Vec<" * 20 + "u8" + ">" * 21, "nested deeper than 16"),
    ],
)
def test_says_what_is_wrong_with_a_type(text: str, reason: str) -> None:
    with pytest.raises(TypeSyntaxError, match=reason):
        parse_flow_type(text)


def test_suggests_the_flow_that_a_bare_type_lacks() -> None:
    with pytest.raises(TypeSyntaxError) as refusal:
        parse_flow_type("string")

    assert refusal.value.hint == "Write Block<string> for one value or Stream<string> for many."


def test_type_parameters_have_to_be_declared() -> None:
    assert str(parse_flow_type("Stream<Vec<T>>", ["T"])) == "Stream<Vec<T>>"
    with pytest.raises(TypeSyntaxError, match="“T” that is not declared"):
        parse_flow_type("Stream<Vec<T>>", ["U"])


@pytest.mark.parametrize(
    ("value", "text", "written"),
    [
        ("é", "Block<byte>", "é"),
        ("a\nb", "Stream<byte>", "a\nb"),
        ("one", "Block<string>", "one\n"),
        ("one\n", "Block<string>", "one\n"),
        (["one", "two"], "Stream<string>", "one\ntwo\n"),
        ([], "Stream<u8>", ""),
        (None, "Block<void>", ""),
        ("é", "Block<char>", '"é"\n'),
        (2**128 - 1, "Block<u128>", f"{2**128 - 1}\n"),
        ([None, {"a": [1]}], "Stream<Option<Map<Vec<u8>>>>", 'null\n{"a":[1]}\n'),
    ],
)
def test_a_literal_is_written_as_a_command_would_write_it(value: Any, text: str, written: str) -> None:
    flow_type = parse_flow_type(text)

    assert unwritable(value, flow_type) is None
    assert content(value, flow_type) == written


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        (200, "Block<byte>", "text is wanted for Block<byte>"),
        (5, "Stream<u8>", "a list of its values is wanted"),
        ([5, 256], "Stream<u8>", "item 2: “256” is out of the range"),
        (["a\nb"], "Stream<string>", "item 1: a line cannot hold a line break"),
        (None, "Block<u8>", "a whole number is wanted"),
    ],
)
def test_a_literal_that_no_port_can_be_given_is_explained(value: Any, text: str, reason: str) -> None:
    why = unwritable(value, parse_flow_type(text))

    assert why is not None
    assert reason in why


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "void"),
        (True, "bool"),
        (255, "byte"),
        ("é", "char"),
        ("", "string"),
        (-128, "i8"),
        (2**127 - 1, "i128"),
        (-(2**127), "i128"),
        (2**128 - 1, "u128"),
        (1, "f32"),
        (3.4e38, "f32"),
        (1.7e308, "f64"),
        (None, "Option<u8>"),
        (7, "Option<u8>"),
        ([], "Vec<u8>"),
        ([[1], [2, 3]], "Vec<Vec<u8>>"),
        ({"a": None, "b": 1}, "Map<Option<i64>>"),
    ],
)
def test_a_value_fits_its_type(value: Any, text: str) -> None:
    assert mismatch(value, parse_data_type(text)) is None


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        (0, "void", "nothing"),
        (1, "bool", "true or false is wanted"),
        (True, "u8", "a whole number is wanted for u8, not true or false"),
        (256, "byte", "0 to 255"),
        (-1, "u128", "out of the range of u128"),
        (2**127, "i128", "out of the range of i128"),
        (1.0, "i32", "a whole number is wanted"),
        ("ab", "char", "a single character"),
        ("", "char", "a single character"),
        (5, "string", "text is wanted"),
        (3.5e38, "f32", "out of the range of f32"),
        (True, "f64", "a number is wanted"),
        (float("nan"), "f64", "finite"),
        (10**400, "f64", "out of the range of f64"),
        ("x", "Option<u8>", "the text “x”"),
        ({}, "Vec<u8>", "a list is wanted"),
        ([1, 300], "Vec<u8>", "item 2: “300”"),
        ([], "Map<u8>", "a mapping is wanted"),
        ({"k": -1}, "Map<u8>", "“k”: “-1”"),
    ],
)
def test_a_value_that_does_not_fit_is_explained(value: Any, text: str, reason: str) -> None:
    why = mismatch(value, parse_data_type(text))

    assert why is not None
    assert reason in why
