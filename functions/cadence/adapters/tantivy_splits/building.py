"""Builds the file of a split from lines."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import tantivy

from cadence.adapters.tantivy_splits import index as fields
from cadence.adapters.tantivy_splits.layout import Head, field_values, packed_words, write_file
from cadence.adapters.tantivy_splits.rows import ROWS_PER_BLOCK, Moments, Numbered, origin_of, packed_block
from cadence.domain.errors import InvalidRequest
from cadence.domain.search.query import FieldName
from cadence.domain.search.split import MOST_FACTS, SplitFacts, SplitLine
from cadence.domain.search.tokens import plain, words


def build_split(target: Path, organization: str, project: str, lines: Iterable[SplitLine]) -> SplitFacts:
    """Writes `lines` (in order, at least one) to `target`. Raises InvalidRequest if one of them is no log line.

    Memory: the index's buffer (200 MB) and one block of lines.
    """
    folder = target.with_suffix(".folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _build(target, folder, organization, project, lines)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build(target: Path, folder: Path, organization: str, project: str, lines: Iterable[SplitLine]) -> SplitFacts:
    index = fields.new_index(folder)
    writer = fields.new_writer(index)
    blocks_file = target.with_suffix(".blocks")
    with blocks_file.open("wb") as out:
        rows = _Rows(out)
        for document in rows.documents(lines):
            writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    all_words = [word for word, _ in index.searcher().terms_with_prefix(fields.TEXT, "")]
    known = packed_words(all_words)

    def head(files: Sequence[tuple[str, int]]) -> Head:
        return Head(
            organization,
            project,
            rows.count,
            rows.origins.values,
            rows.levels.values,
            rows.streams.values,
            rows.blocks,
            files,
            len(known),
        )

    head_bytes = write_file(target, folder, known, blocks_file, head)
    return SplitFacts(
        rows.first_time,
        rows.last_time,
        rows.count,
        rows.text_bytes,
        target.stat().st_size,
        head_bytes,
        {name: its for name, its in rows.values().items() if len(its) <= MOST_FACTS},
    )


@dataclass
class _Rows:
    """Turns lines into documents of the index, and writes them to blocks."""

    out: BinaryIO

    def __post_init__(self) -> None:
        self.origins, self.levels, self.streams = Numbered(), Numbered(), Numbered()
        self.blocks: list[tuple[int, int, int]] = []
        self.count = 0
        self.text_bytes = 0
        self.first_time = self.last_time = ""

    def documents(self, lines: Iterable[SplitLine]) -> Iterator[tantivy.Document]:
        moment_of = Moments().of
        before: tuple[Any, ...] = ()
        every = iter(lines)
        while rows := list(islice(every, ROWS_PER_BLOCK)):
            moments: list[int] = []
            numbers: list[tuple[int, int, int]] = []
            for row in rows:
                if row[:4] <= before:
                    raise ValueError(f"{row[:4]} comes after {before}")
                before = row[:4]
                try:
                    moments.append(moment_of(row.time))
                    numbers.append(self._numbers(row))
                    text = " ".join(words(plain(row.line["text"])))  # type: ignore[arg-type]
                except (KeyError, TypeError, AttributeError) as error:
                    raise _no_line(row) from error
                yield self._document(text, numbers[-1])
                self.count += 1
            self.first_time = self.first_time or rows[0].time
            self.last_time = rows[-1].time
            self._end_block(rows, moments, numbers)

    def _document(self, text: str, numbers: tuple[int, int, int]) -> tantivy.Document:
        document = tantivy.Document()
        document.add_text(fields.TEXT, text)
        document.add_integer(fields.ORIGIN, numbers[0])
        document.add_integer(fields.LEVEL, numbers[1])
        document.add_integer(fields.STREAM, numbers[2])
        document.add_integer(fields.ROW, self.count)
        return document

    def values(self) -> Mapping[FieldName, Collection[str]]:
        return field_values(self.origins.values, self.levels.values, self.streams.values)

    def _numbers(self, row: SplitLine) -> tuple[int, int, int]:
        return (
            self.origins.number(origin_of(row)),
            self.levels.number(row.line["level"]),
            self.streams.number(row.line["stream"]),
        )

    def _end_block(
        self, rows: Sequence[SplitLine], moments: Sequence[int], numbers: Sequence[tuple[int, int, int]]
    ) -> None:
        try:
            packed = packed_block(rows, moments, numbers)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise _no_line(rows[0]) from error
        self.out.write(packed)
        self.blocks.append((len(packed), len(rows), moments[0]))
        self.text_bytes += sum(len(str(row.line["text"])) for row in rows)


def _no_line(row: SplitLine) -> InvalidRequest:
    return InvalidRequest(f"Near line {row.position} of segment {row.segment} of run {row.run_id} is no line of a log.")
