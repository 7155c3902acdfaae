"""A folder of this machine with the splits that are searched; the longest unused ones are removed to make room.

Several processes may share it: what is in it is complete, never changes, and may vanish at any time.
"""

import mmap
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cadence.adapters.tantivy.index import opened_index
from cadence.adapters.tantivy.layout import read_head, unpack_index
from cadence.adapters.tantivy.reading import TantivySplit
from cadence.adapters.tantivy.stored import StoredLines

_HEAD, _BLOCKS, _INDEX = "head", "blocks", "index"
_PART = ".part"


@dataclass(frozen=True)
class SplitFolder:
    """Keeps splits that take at most `most_bytes` together."""

    path: Path
    most_bytes: int

    def has(self, split_id: str) -> bool:
        return (self.path / split_id).is_dir()

    def open(self, split_id: str) -> TantivySplit | None:
        """Returns None if it is not there (any more)."""
        folder = self.path / split_id
        try:
            os.utime(folder)
            with (folder / _HEAD).open("rb") as head_file:
                head, _ = read_head(head_file)
            with (folder / _BLOCKS).open("rb") as blocks:
                data = memoryview(mmap.mmap(blocks.fileno(), 0, access=mmap.ACCESS_READ))
            return TantivySplit(head, opened_index(folder / _INDEX), StoredLines(head, data))
        except (FileNotFoundError, ValueError):
            # tantivy raises ValueError for a file that another process has removed meanwhile.
            if folder.is_dir():
                raise
            return None

    def used(self, split_id: str) -> None:
        """Marks the split as used, so that it is the last to be removed."""
        try:
            os.utime(self.path / split_id)
        except FileNotFoundError:
            return

    def keep(self, split_id: str, source: BinaryIO) -> None:
        """Keeps a split.

        `source` reads its file from the start; an error of it is raised, and leaves nothing behind.
        """
        part = self.path / f"{split_id}.{uuid.uuid4().hex}{_PART}"
        part.mkdir(parents=True)
        try:
            copied = _Copied(source)
            head, _ = read_head(copied)  # type: ignore[arg-type]
            (part / _HEAD).write_bytes(bytes(copied.seen))
            with (part / _BLOCKS).open("wb") as blocks:
                _copy(source.read, blocks, head.blocks_size)
            unpack_index(source, head, part / _INDEX)
            if not self.has(split_id):
                part.rename(self.path / split_id)
        except OSError:
            # Another process was first, or the disk is full.
            if not self.has(split_id):
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def make_room(self, kept: str) -> list[str]:
        """Removes the longest unused splits, but not `kept`; returns which."""
        removed: list[str] = []
        splits = sorted(self._splits(), key=lambda one: one[0])
        total = sum(size for _, size, _ in splits)
        for _, size, folder in splits:
            if total <= self.most_bytes:
                break
            if folder.name != kept:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
                total -= size
        return removed

    def _splits(self) -> list[tuple[float, int, Path]]:
        splits: list[tuple[float, int, Path]] = []
        for folder in self.path.iterdir():
            try:
                size = sum(file.stat().st_size for file in folder.rglob("*"))
                splits.append((folder.stat().st_mtime, size, folder))
            except FileNotFoundError:
                continue
        return splits


class _Copied:
    """Copies what is read from `source`."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.seen = bytearray()

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self.seen += data
        return data


def _copy(read: Callable[[int], bytes], out: BinaryIO, size: int) -> None:
    while size:
        data = read(min(size, 1 << 20))
        if not data:
            raise EOFError("The split ends before its blocks do.")
        out.write(data)
        size -= len(data)
