"""Contents are shown by what they are, whatever they are."""

import io
import struct
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.values.previews import preview

CSV = b"id,amount\n1,12\n2,n/a\n"


def png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", zlib.crc32(chunk[4:]))


def tar(*names: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 700
            archive.addfile(member, io.BytesIO(b"x" * 700))
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "type_", "kind", "media_type"),
    [
        (b"", "byte", "empty", "application/x-empty"),
        (b"plain words, of no table\n", "byte", "text", "text/plain"),
        ("ein Wört".encode(), "string", "text", "text/plain"),
        (b"12\n", "u64", "json", "application/json"),
        (b"12", "string", "text", "text/plain"),
        (b'{"a": [1]}', "string", "json", "application/json"),
        (b'{"a":1}\n{"a":2,"b":"x"}\n', "string", "table", "application/json"),
        (b'[{"a":1},{"a":2}]', "Vec<Map<u64>>", "table", "application/json"),
        (CSV, "byte", "table", "text/csv"),
        (b"a\tb\n1\t2\n", "byte", "table", "text/tab-separated-values"),
        (b"Hello, world\nGoodbye, world\n", "byte", "text", "text/plain"),
        (png(3, 2), "byte", "image", "image/png"),
        (b"GIF89a\x03\x00\x02\x00", "byte", "image", "image/gif"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x02\x00\x03", "byte", "image", "image/jpeg"),
        (tar("a", "b/c"), "byte", "archive", "application/x-tar"),
        (b"\x1f\x8b\x08\x00", "byte", "hex", "application/gzip"),
        (b"\x7fELF\x02", "byte", "hex", "application/x-executable"),
        (b"\x00\x01", "byte", "hex", "application/octet-stream"),
        (b"\xff\xfe", "string", "hex", "application/octet-stream"),
    ],
)
def test_a_content_is_told_by_its_type_and_by_what_it_is(
    content: bytes, type_: str, kind: str, media_type: str
) -> None:
    shown = preview(content, type_, cut=False)
    assert (shown.kind, shown.media_type) == (kind, media_type)
    if kind == "image":
        assert (shown.width, shown.height) == (3, 2)


def test_tables_have_columns_and_rows() -> None:
    shown = preview(CSV, "byte", cut=False)
    assert (shown.columns, shown.rows) == (("id", "amount"), (("1", "12"), ("2", "n/a")))
    shown = preview(b'{"a":1}\n{"a":2,"b":[true]}\n', "Map<u64>", cut=False)
    assert (shown.columns, shown.rows) == (("a", "b"), (("1", ""), ("2", "[true]")))


def test_what_is_cut_is_shown_up_to_its_last_whole_line() -> None:
    assert preview(CSV + b"3,", "byte", cut=True).rows == (("1", "12"), ("2", "n/a"))
    assert preview("é".encode()[:1], "string", cut=True).text == ""
    assert preview(b"abc\xc3", "string", cut=True).text == "abc"
    assert preview(b"\xa9abc", "string", cut=False, offset=7).text == "abc"


def test_a_piece_is_not_taken_for_a_beginning() -> None:
    assert preview(CSV, "byte", cut=False, offset=3).kind == "text"
    shown = preview(b"\x00\x01A", "byte", cut=False, offset=4096)
    assert shown.lines == ("00001000  00 01 41                                          |..A|",)


def test_an_archive_names_its_first_members() -> None:
    assert preview(tar("one", "two/three", "four")[:2500], "byte", cut=True).names == ("one", "two/three")


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_shown(content: bytes) -> None:
    for type_ in ("byte", "string", "u64"):
        for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFFxxxxWEBPVP8X", b"[", b"{", b"a,b\n"):
            shown = preview(start + content, type_, cut=bool(len(content) % 2))
            assert shown.kind
