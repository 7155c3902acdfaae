"""Which line of an input a line of an output is, as far as the contents prove it."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.provenance.graph import Basis
from cadence.domain.provenance.lines import ContentLines, backward, forward, read_lines, same_text


def lines(*texts: str) -> ContentLines:
    return read_lines(["".join(f"{text}\n" for text in texts).encode()])


def places(output: ContentLines, source: ContentLines, index: int) -> tuple[str, list[int]] | None:
    (passed,) = backward(output, [source], index)
    return (str(passed.basis), list(passed.places)) if passed else None


def test_a_filtered_line_has_its_one_place():
    source = lines("a", "b", "c", "d")
    assert places(lines("b", "d"), source, 1) == ("subsequence", [3])


def test_equal_lines_leave_the_places_that_the_order_allows():
    source = lines("x", "a", "x", "b", "x")
    kept = lines("a", "x", "b")
    assert places(kept, source, 1) == ("subsequence", [2])
    assert places(lines("x"), source, 0) == ("subsequence", [0, 2, 4])


def test_a_sorted_output_is_a_selection():
    assert places(lines("a", "b", "c"), lines("c", "a", "b"), 2) == ("selection", [0])


def test_a_line_of_its_own_proves_nothing():
    assert places(lines("a", "new"), lines("a", "b"), 0) is None
    assert places(lines("a", "a"), lines("a", "b"), 0) is None
    assert places(lines("a"), lines(), 0) is None


def test_several_inputs_together_may_be_what_was_selected_from():
    first, second = lines("a", "c"), lines("b", "d")
    merged = lines("a", "b", "c", "d")
    found = backward(merged, [first, second], 1)
    assert [list(one.places) if one else None for one in found] == [[], [0]]
    assert {one.basis for one in found if one} == {Basis.SELECTION}


def test_one_input_in_order_leaves_the_others_out():
    found = backward(lines("a", "b"), [lines("a", "b"), lines("b", "a")], 0)
    assert found[0] is not None and list(found[0].places) == [0]
    assert found[1] is None


def test_forward_tells_what_was_not_passed_on():
    source, kept = lines("a", "b", "c"), lines("a", "c")
    passed = [forward(source, [], kept, index) for index in range(3)]
    assert [list(one.places) if one else None for one in passed] == [[0], [], [1]]
    assert forward(source, [], lines("other"), 0) is None
    assert forward(lines("a"), [lines("b", "c")], lines("b"), 0) is None


def test_lines_know_where_they_are():
    found = read_lines([b"on", b"e\ntwo\n\nla", b"st"])
    assert (len(found), list(found.starts)) == (4, [0, 4, 8, 9, 13])
    assert [found.at(offset) for offset in (0, 3, 4, 8, 9, 12, 13)] == [0, 0, 1, 2, 3, 3, None]
    assert (found.part(1).offset, found.part(1).length, found.part(1).line) == (4, 4, 2)
    assert list(same_text(found, b"two")) == [1]
    assert len(read_lines([])) == 0


@given(st.lists(st.sampled_from("abc"), max_size=30), st.randoms(use_true_random=False), st.integers(1, 9))
def test_every_filter_is_recognised_and_the_true_place_is_among_those_told(source, chance: random.Random, cut: int):
    kept = [index for index in range(len(source)) if chance.random() < 0.5]
    content = "".join(f"{text}\n" for text in source).encode()
    given_lines = read_lines([content[at : at + cut] for at in range(0, len(content), cut)])
    output = lines(*(source[index] for index in kept))
    for place, index in enumerate(kept):
        (back,) = backward(output, [given_lines], place)
        ahead = forward(given_lines, [], output, index)
        assert back is not None and back.basis is Basis.SUBSEQUENCE and index in back.places
        assert ahead is not None and place in ahead.places
