"""Builds the file of a split from lines."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import tantivy

from cadence.adapters.tantivy_splits import index as fields
from cadence.adapters.tantivy_splits.layout import Head, field_values, packed_words, write_file
from cadence.adapters.tantivy_splits.rows import ROWS_PER_BLOCK, Columns, Moments, Numbered, origin_of
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
        moments, columns, first = Moments(), Columns(), 0
        before: tuple[Any, ...] = ()
        moment = 0
        for row in lines:
            if row[:4] <= before:
                raise ValueError(f"{row[:4]} comes after {before}")
            before = row[:4]
            if len(columns.gaps) == ROWS_PER_BLOCK:
                self._end_block(columns, first)
                columns, moment = Columns(), 0
            try:
                at = moments.of(row.time)
                origin, level, stream = self._numbers(row)
                columns.add(row, at - moment, origin, level, stream)
                text = " ".join(words(plain(row.line["text"])))  # type: ignore[arg-type]
            except (KeyError, TypeError, AttributeError, OverflowError) as error:
                raise InvalidRequest(
                    f"Line {row.position} of segment {row.segment} of run {row.run_id} is no log line."
                ) from error
            if len(columns.gaps) == 1:
                first = at
            moment = at
            document = tantivy.Document()
            document.add_text(fields.TEXT, text)
            document.add_integer(fields.ORIGIN, origin)
            document.add_integer(fields.LEVEL, level)
            document.add_integer(fields.STREAM, stream)
            document.add_integer(fields.ROW, self.count)
            self.count += 1
            self.first_time = self.first_time or row.time
            self.last_time = row.time
            yield document
        if columns.gaps:
            self._end_block(columns, first)

    def values(self) -> Mapping[FieldName, Collection[str]]:
        return field_values(self.origins.values, self.levels.values, self.streams.values)

    def _numbers(self, row: SplitLine) -> tuple[int, int, int]:
        return (
            self.origins.number(origin_of(row)),
            self.levels.number(row.line["level"]),
            self.streams.number(row.line["stream"]),
        )

    def _end_block(self, columns: Columns, first: int) -> None:
        packed = columns.packed()
        self.out.write(packed)
        self.blocks.append((len(packed), len(columns.gaps), first))
        self.text_bytes += sum(columns.lengths)
