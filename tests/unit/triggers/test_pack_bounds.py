"""Packs of git that are small, and would take much memory."""

import io
import zlib

import pytest
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import Blob
from dulwich.pack import create_delta, write_pack_objects

from cadence.adapters.git.pack_bounds import require_bounded
from cadence.domain.shared.errors import TooLarge, Transient

MIB = 1 << 20


def head(kind: int, size: int) -> bytes:
    """The head of an object in a pack."""
    out, byte = bytearray(), kind << 4 | size & 15
    size >>= 4
    while size:
        out.append(byte | 128)
        byte, size = size & 127, size >> 7
    return bytes([*out, byte])


def pack(*objects: bytes) -> io.BytesIO:
    made = io.BytesIO()
    made.write(b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big") + b"".join(objects) + bytes(20))
    return made


def test_a_pack_of_a_program_that_writes_packs_passes_and_is_read_to_its_end() -> None:
    made = io.BytesIO()
    blobs = [(Blob.from_string(bytes([n]) * 100_000), None) for n in range(20)]
    write_pack_objects(made, blobs, DEFAULT_OBJECT_FORMAT)
    require_bounded(made, 3 * MIB)
    assert made.tell() == len(made.getvalue())
    with pytest.raises(TooLarge, match="takes more than 1 MiB"):
        require_bounded(made, MIB)
    require_bounded(io.BytesIO(), 0)


def test_a_blob_of_zeros_is_too_large_long_before_it_is_read() -> None:
    with pytest.raises(TooLarge):
        require_bounded(pack(head(3, 320 * MIB) + zlib.compress(bytes(MIB))), 128 * MIB)


def test_a_delta_counts_as_what_it_becomes() -> None:
    base = bytes(1000)
    delta = b"".join(create_delta(base, base * 2))
    made = pack(
        head(3, len(base)) + zlib.compress(base),
        head(7, len(delta)) + Blob.from_string(base).sha().digest() + zlib.compress(delta),
    )
    needed = len(base) + len(delta) + 2 * len(base)
    require_bounded(made, needed)
    with pytest.raises(TooLarge):
        require_bounded(made, needed - 1)
    # The sizes that a delta begins with: of its base, and of its result.
    bomb = b"\x80\x01" + b"\xff" * 4 + b"\x0f"
    with pytest.raises(TooLarge):
        require_bounded(pack(head(6, len(bomb)) + b"\x0c" + zlib.compress(bomb)), 128 * MIB)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pack(head(3, 10) + zlib.compress(bytes(MIB))), "larger than they state"),
        (pack(head(3, 10) + b"no zlib at all, of course"), "damaged"),
        (pack(head(3, 10)), "damaged"),
        (io.BytesIO(b"PACK" + bytes(7) + b"\x01"), "ends too soon"),
        (io.BytesIO(b"something else"), "something else than a pack"),
        (io.BytesIO(b"x"), "ends too soon"),
    ],
    ids=["a wrong size", "no zlib", "no content", "no object", "no pack", "one byte"],
)
def test_what_is_no_pack_is_an_error_of_the_git_host(content: io.BytesIO, problem: str) -> None:
    with pytest.raises(Transient, match=problem):
        require_bounded(content, MIB)
