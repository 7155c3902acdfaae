"""The layout of a split's file: head, words, blocks of lines, files of the index.

`magic, length of the head, head, words | blocks | index`: the first `head_bytes` show which words are in the split, and
what the numbers in it stand for, without the rest.
"""

import json
import shutil
import struct
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import cramjam

from cadence.adapters.tantivy.rows import Origin
from cadence.domain.search.query import FieldName
from cadence.domain.search.tokens import digest_terms, index_term
from cadence.domain.shared.errors import InvalidRequest

_MAGIC = b"cdsplit3"
_OLDER = b"cdsplit2"  # with small blocks, and positions of words
_PREFIX = struct.Struct("<8sI")
_FAST = 1  # zstd level of files that tantivy has compressed already, in its own way


@dataclass(frozen=True, kw_only=True)
class SplitHead:
    """`blocks` holds (size, rows, moment of the first row), `files` (name, size) of the index, both as stored."""

    organization: str
    project: str
    lines: int
    origins: Sequence[Origin]
    levels: Sequence[str]
    streams: Sequence[str]
    blocks: Sequence[tuple[int, int, int]]
    files: Sequence[tuple[str, int]]
    words_size: int
    is_older: bool = False

    @property
    def blocks_size(self) -> int:
        return sum(size for size, _, _ in self.blocks)

    def values(self) -> Mapping[FieldName, Collection[str]]:
        """All values of the fields that lines have."""
        return field_values(self.origins, self.levels, self.streams)


class KnownWords:
    """The words of a split, in order; `has_digests` if digests stand in full among them, as in older splits."""

    def __init__(self, packed: bytes, has_digests: bool) -> None:
        self._packed, self._has_digests = packed, has_digests

    @cached_property
    def _lines(self) -> bytes:
        return b"\n" + bytes(cramjam.zstd.decompress(self._packed)) + b"\n"

    def has(self, word: str) -> bool:
        term = word if self._has_digests else index_term(word)
        return b"\n" + term.encode() + b"\n" in self._lines

    def has_prefix(self, prefix: str) -> bool:
        starts = [prefix] if self._has_digests else [prefix, *digest_terms(prefix)]
        return any(b"\n" + start.encode() in self._lines for start in starts)


def field_values(
    origins: Sequence[Origin], levels: Sequence[str], streams: Sequence[str]
) -> Mapping[FieldName, Collection[str]]:
    pipelines, runs, treatments, _, runners, pools = zip(*origins, strict=True)
    values: Mapping[FieldName, Iterable[Any]] = {
        FieldName.PIPELINE: pipelines,
        FieldName.RUN: runs,
        FieldName.TREATMENT: treatments,
        FieldName.RUNNER: runners,
        FieldName.POOL: pools,
        FieldName.LEVEL: levels,
        FieldName.STREAM: streams,
    }
    return {name: sorted({value or "" for value in its}) for name, its in values.items()}


def packed_words(words: Sequence[str]) -> bytes:
    return bytes(cramjam.zstd.compress("\n".join(words).encode(), _FAST))


def write_file(
    target: Path, folder: Path, words: bytes, blocks: Path, head: Callable[[Sequence[tuple[str, int]]], SplitHead]
) -> int:
    """Puts a split together from the folder of its index and the file of its blocks; returns the size of its head."""
    packed = target.with_suffix(".index")
    files: list[tuple[str, int]] = []
    with packed.open("wb") as out:
        for file in sorted(folder.iterdir()):
            if not file.name.endswith(".lock"):
                data = bytes(cramjam.zstd.compress(file.read_bytes(), _FAST))
                files.append((file.name, len(data)))
                out.write(data)
    fields = asdict(head(files))
    del fields["is_older"]
    described = bytes(cramjam.zstd.compress(json.dumps(fields).encode()))
    with target.open("wb") as out:
        out.write(_PREFIX.pack(_MAGIC, len(described)) + described + words)
        for part in (blocks, packed):
            with part.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)
            part.unlink()
    return _PREFIX.size + len(described) + len(words)


def read_head(start: BinaryIO) -> tuple[SplitHead, KnownWords]:
    """Reads the head and the words. Raises InvalidRequest if this is no split."""
    prefix = start.read(_PREFIX.size)
    is_older = prefix.startswith(_OLDER)
    if len(prefix) < _PREFIX.size or not (is_older or prefix.startswith(_MAGIC)):
        raise InvalidRequest("This is no split, or one of another version.")
    described: Mapping[str, Any] = json.loads(
        bytes(cramjam.zstd.decompress(start.read(_PREFIX.unpack(prefix)[1]))).decode()
    )
    origins = [tuple(origin) for origin in described["origins"]]
    head = SplitHead(**{**described, "origins": origins, "is_older": is_older})
    return head, KnownWords(start.read(head.words_size), has_digests=is_older)


def unpack_index(source: BinaryIO, head: SplitHead, folder: Path) -> None:
    """Unpacks the index. `source` stands where the files of the index begin."""
    folder.mkdir()
    for name, size in head.files:
        (folder / Path(name).name).write_bytes(bytes(cramjam.zstd.decompress(source.read(size))))
