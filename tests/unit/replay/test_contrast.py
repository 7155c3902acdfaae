"""Where two contents differ first, read as their type says, however they come in pieces."""

import io
import json
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.replay.contrast import EQUAL, Contrast, Difference, Form, contrast, form_of
from cadence.domain.replay.pieces import LONGEST_LINE, ContentReader, evenly, lines, upto

PLACES = st.integers(1, 7)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def of(form: Form, then: bytes, now: bytes, size: int = 5) -> Contrast:
    return contrast(form, cut(then, size), cut(now, size + 3))


def first(form: Form, then: bytes, now: bytes) -> Difference:
    found = of(form, then, now).first
    assert found is not None
    return found


@given(content=st.binary(max_size=60), size=PLACES, even=PLACES)
def test_pieces_are_the_content(content: bytes, size: int, even: int) -> None:
    assert b"".join(lines(cut(content, size))) == content
    assert all(line.endswith(b"\n") for line in list(lines(cut(content, size)))[:-1])
    pieces = list(evenly(cut(content, size), even))
    assert b"".join(pieces) == content
    assert {len(piece) for piece in pieces[:-1]} <= {even}
    assert b"".join(upto(cut(content, size), even)) == content[:even]
    reader = ContentReader(cut(content, size))
    assert b"".join(iter(lambda: reader.read(even), b"")) == content


def test_a_line_without_an_end_is_cut() -> None:
    assert [len(line) for line in lines([b"x" * (2 * LONGEST_LINE + 1)])] == [LONGEST_LINE, LONGEST_LINE, 1]


@given(content=st.binary(max_size=80), form=st.sampled_from([Form.BYTES, Form.LINES, Form.JSON]))
def test_equal_contents_do_not_differ(content: bytes, form: Form) -> None:
    assert of(form, content, content) == EQUAL


@given(start=st.binary(max_size=30), then=st.binary(max_size=30), now=st.binary(max_size=30))
def test_the_first_byte_that_differs_is_found(start: bytes, then: bytes, now: bytes) -> None:
    then, now = start + then, start + now
    found = of(Form.BYTES, b"\0" + then, b"\0" + now).first
    if then == now:
        assert found is None
        return
    assert found is not None
    at = found.offset - 1
    assert then[:at] == now[:at]
    assert then[at : at + 1] != now[at : at + 1]


def test_a_line_and_a_column() -> None:
    place = first(Form.LINES, "one\nzwei é 2\n".encode(), "one\nzwei é 3\n".encode())
    assert (place.line, place.column, place.offset) == (2, 8, 12)
    assert (place.then, place.now) == ("zwei é 2", "zwei é 3")
    assert place.words() == "line 2, column 8"


def test_one_ends_sooner() -> None:
    assert first(Form.LINES, b"a\nb\n", b"a\n") == Difference(offset=2, then="b", now="(the end)", line=2, column=1)
    assert first(Form.BYTES, b"\0\1\2", b"\0\1") == Difference(offset=2, then="02", now="(the end)")
    assert first(Form.LINES, b"a\n", b"a").offset == 1


def test_text_sent_as_bytes_is_read_as_text() -> None:
    assert first(Form.BYTES, b"a\nb 1\n", b"a\nb 2\n").words() == "line 2, column 3"


def test_a_character_that_is_cut_in_two_is_text_still() -> None:
    text = "é" * 3_000
    assert first(Form.BYTES, f"a{text}".encode(), f"a{text}x".encode()).line == 1


@pytest.mark.parametrize(
    ("then", "now", "pointer"),
    [
        ({"a": {"b": [1, 2]}, "c": 0}, {"a": {"b": [1, 3]}, "c": 1}, "/a/b/1"),
        ([1, 2], [1], "/1"),
        ({"x/y": {"~": 1}}, {"x/y": {"~": 2}}, "/x~1y/~0"),
        ({"a": 1}, {"a": 1, "b": 2}, "/b"),
        ([True], [1], "/0"),
    ],
)
def test_a_json_pointer(then: object, now: object, pointer: str) -> None:
    place = first(Form.JSON, f"{json.dumps(then)}\n".encode(), f"{json.dumps(now)}\n".encode())
    assert place.pointer == pointer
    assert place.words().endswith(f"at {pointer}")


def test_values_that_are_only_written_otherwise() -> None:
    found = of(Form.JSON, b'{"a": 1, "b": 2}\n1.0\n', b'{"b":2,"a":1}\n1\n')
    assert found.same_values
    assert found.first is not None
    assert not of(Form.LINES, b"1.0\n", b"1\n").same_values
    assert not of(Form.JSON, b"1.0\n2\n", b"1\n3\n").same_values


def test_the_same_lines_in_another_order() -> None:
    assert of(Form.LINES, b"a\nb\nc\n", b"b\nc\na\n").reordered
    assert not of(Form.LINES, b"a\nb\nc\n", b"b\nc\nc\n").reordered
    assert of(Form.LINES, b"a\nb 1\nc\n", b"a\nb 2\nd\n").pairs == (("b 1", "b 2"), ("c", "d"))


def archive(*members: tuple[str, bytes, int]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, content, mode in members:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            made.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_archives_are_held_against_each_other_member_by_member() -> None:
    then = archive(("a", b"x" * 70_000, 0o644), ("b/c", b"one\ntwo\n", 0o644))
    assert of(Form.ARCHIVE, then, then, 4_096) == EQUAL
    place = first(Form.ARCHIVE, then, archive(("a", b"x" * 70_000, 0o644), ("b/c", b"one\n2wo\n", 0o644)))
    assert place.words() == "member b/c, line 2, column 1"
    place = first(Form.ARCHIVE, then, archive(("a", b"x" * 70_000, 0o755), ("b/c", b"one\ntwo\n", 0o644)))
    assert (place.member, place.then, place.now) == ("a", "file, mode 0644", "file, mode 0755")
    place = first(Form.ARCHIVE, then, archive(("b/c", b"one\ntwo\n", 0o644)))
    assert (place.member, place.then, place.now) == ("a", "a", "b/c")
    assert first(Form.ARCHIVE, then, then[:70_700]).member == "b/c"
    assert first(Form.ARCHIVE, b"none", then).then.startswith("no archive")


def test_how_an_output_is_read() -> None:
    assert form_of("byte", None) is Form.BYTES
    assert form_of("byte", "dist/*.whl") is Form.ARCHIVE
    assert form_of("string", "report.txt") is Form.LINES
    assert form_of("Vec<string>", None) is Form.JSON
