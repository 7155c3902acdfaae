"""Blocks of lines that wait for the gateway: the first ones in memory, the others in files on the runner's disk."""

from __future__ import annotations

import io
import tempfile
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..beneath.held_directory import write_all

#: Bytes of blocks, as they are sent: kept in memory, and on the disk beyond that.
IN_MEMORY = 8 << 20
ON_DISK = 512 << 20
#: A file is removed once its blocks are sent, so that the disk is given back piece by piece.
FILE_BYTES = 32 << 20


class Block(NamedTuple):
    """Lines that are sent together: their numbers, what spans of them have in common, their compressed texts."""

    first: int
    last: int
    spans: list[dict[str, Any]]
    packed: bytes


class _Stored(NamedTuple):
    block: Block
    """The block, without its texts if they are in ``file``."""
    file: Optional[io.FileIO]
    offset: int
    size: int


class BlockQueue:
    """Blocks in the order of their lines. Not safe for threads; its user has a lock."""

    def __init__(self, folder: Optional[Path], on_disk: int = ON_DISK, in_memory: int = IN_MEMORY) -> None:
        """``folder`` is where the files are; without it, where temporary files are."""
        self._folder, self._on_disk, self._in_memory = folder, on_disk, in_memory
        self._blocks: deque[_Stored] = deque()
        self._memory_bytes = self._disk_bytes = 0
        self._disk_error: Optional[str] = None

    def __bool__(self) -> bool:
        return bool(self._blocks)

    @property
    def full(self) -> Optional[str]:
        """Says why there is no room for a further block; None if there is."""
        if self._memory_bytes < self._in_memory:
            return None
        if self._disk_error is not None:
            return f"nothing more can be written to this runner's disk ({self._disk_error})"
        if self._disk_bytes >= self._on_disk:
            return f"{self._on_disk >> 20} MiB of compressed lines wait on this runner's disk"
        return None

    def put(self, block: Block) -> None:
        """Appends a block, also if there is no room: it is kept in memory then."""
        size = len(block.packed)
        if self._memory_bytes >= self._in_memory and self.full is None:
            try:
                file, offset = self._file()
                file.seek(offset)
                write_all(file, block.packed)
            except OSError as error:
                self._disk_error = error.strerror or str(error)
            else:
                self._blocks.append(_Stored(block._replace(packed=b""), file, offset, size))
                self._disk_bytes += size
                return
        self._blocks.append(_Stored(block, None, 0, size))
        self._memory_bytes += size

    def first(self) -> Block:
        """Returns the oldest block. Raises OSError if its file cannot be read."""
        block, file, offset, size = self._blocks[0]
        if file is None:
            return block
        file.seek(offset)
        packed = file.read(size)
        if len(packed) < size:
            raise OSError("a file with lines that wait for the gateway is shorter than what was written to it")
        return block._replace(packed=packed)

    def accept(self, through: int) -> None:
        """Removes the blocks up to the line ``through``."""
        while self._blocks and self._blocks[0].block.last <= through:
            stored = self._blocks.popleft()
            if stored.file is None:
                self._memory_bytes -= stored.size
                continue
            self._disk_bytes -= stored.size
            # The blocks of a file follow one another.
            if not self._blocks or self._blocks[0].file is not stored.file:
                stored.file.close()
                self._disk_error = None

    def _file(self) -> tuple[io.FileIO, int]:
        """Returns the file for the next block, which has no name in any directory, and the place in it."""
        if self._blocks:
            _, file, offset, size = self._blocks[-1]
            if file is not None and offset + size < FILE_BYTES:
                return file, offset + size
        # Without a buffer, which would keep what a full disk refuses, and fail with it at the next read.
        return tempfile.TemporaryFile(buffering=0, prefix="cadence-log-", dir=self._folder), 0
