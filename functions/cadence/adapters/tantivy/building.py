"""Builds the file of a split: from segments, or from other splits."""

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from cadence.adapters.lines.line_times import Moments, written
from cadence.adapters.tantivy import index as fields
from cadence.adapters.tantivy.blocks import ROWS_PER_BLOCK, packed_block
from cadence.adapters.tantivy.layout import SplitHead, field_values, packed_words, write_file
from cadence.adapters.tantivy.rows import Numbers, Row, merged, rows_of_segment
from cadence.adapters.tantivy.stored import StoredLines
from cadence.application.logs.ports import Line
from cadence.application.search.split_ports import BuiltSplit, SplitBuilding
from cadence.domain.logs.log import Segment
from cadence.domain.search.query import FieldName
from cadence.domain.search.split import MOST_FACTS, SplitFacts
from cadence.domain.search.tokens import index_terms


class BuildingOfSplit(SplitBuilding):
    """Builds the file `target`. Memory: a few hundred bytes a line beside its text."""

    def __init__(self, target: Path, organization: str, project: str) -> None:
        self._target, self._organization, self._project = target, organization, project
        self._numbers, self._moments = Numbers(), Moments()
        self._rows: list[Row] = []
        self._text_bytes = 0

    @property
    def text_bytes(self) -> int:
        return self._text_bytes

    def add(self, segment: Segment, lines: Sequence[Line]) -> None:
        rows = rows_of_segment(segment, lines, self._numbers, self._moments)
        self._rows += rows
        self._text_bytes += sum(len(row[8]) for row in rows)

    def finish(self) -> BuiltSplit:
        self._rows.sort()
        facts = _write(self._target, self._organization, self._project, self._numbers, [self._rows])
        return BuiltSplit(self._target, facts)


def merge_splits(target: Path, organization: str, project: str, splits: Sequence[StoredLines]) -> SplitFacts:
    numbers = Numbers()
    return _write(target, organization, project, numbers, merged([split.rows(numbers) for split in splits]))


def _write(
    target: Path, organization: str, project: str, numbers: Numbers, pieces: Iterable[Sequence[Row]]
) -> SplitFacts:
    """Writes the file. Memory: the index's buffer (200 MB) and a piece of rows."""
    folder = target.with_suffix(".folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        writing = _Writing(target, folder, numbers)
        for rows in pieces:
            writing.add(rows)
        return writing.finish(organization, project)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Writing:
    def __init__(self, target: Path, folder: Path, numbers: Numbers) -> None:
        self._target, self._folder, self._numbers = target, folder, numbers
        self._index = fields.new_index(folder)
        self._writer = fields.new_writer(self._index)
        self._blocks_file = target.with_suffix(".blocks")
        self._out = self._blocks_file.open("wb")
        self._waiting: list[Row] = []
        self._blocks: list[tuple[int, int, int]] = []
        self._rows = 0
        self._text_bytes = 0
        self._first = self._last = 0

    def add(self, rows: Sequence[Row]) -> None:
        self._waiting += rows
        whole = len(self._waiting) - len(self._waiting) % ROWS_PER_BLOCK
        for start in range(0, whole, ROWS_PER_BLOCK):
            self._add_block(self._waiting[start : start + ROWS_PER_BLOCK])
        del self._waiting[:whole]

    def finish(self, organization: str, project: str) -> SplitFacts:
        if self._waiting:
            self._add_block(self._waiting)
        self._out.close()
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._index.reload()
        known = packed_words([word for word, _ in self._index.searcher().terms_with_prefix(fields.TEXT, "")])
        numbers = self._numbers

        def head(files: Sequence[tuple[str, int]]) -> SplitHead:
            return SplitHead(
                organization=organization,
                project=project,
                lines=self._rows,
                origins=list(numbers.origins),
                levels=list(numbers.levels),
                streams=list(numbers.streams),
                blocks=self._blocks,
                files=files,
                words_size=len(known),
            )

        head_bytes = write_file(self._target, self._folder, known, self._blocks_file, head)
        values = field_values(list(numbers.origins), list(numbers.levels), list(numbers.streams))
        return SplitFacts(
            first_time=written(self._first),
            last_time=written(self._last),
            lines=self._rows,
            text_bytes=self._text_bytes,
            size=self._target.stat().st_size,
            head_bytes=head_bytes,
            values=_facts(values),
        )

    def _add_block(self, rows: Sequence[Row]) -> None:
        first = rows[0][0]
        if not self._blocks:
            self._first = first
        self._last = rows[-1][0]
        packed, text_bytes, order = packed_block(rows)
        self._out.write(packed)
        self._blocks.append((len(packed), len(rows), first))
        self._text_bytes += text_bytes
        add = self._writer.add_json
        # In the order of their texts: lists of the lines with a word are shorter if these stand together.
        sorted_rows = [rows[number] for number in order]
        terms = index_terms([row[8] for row in sorted_rows])
        for number, row, text in zip(order, sorted_rows, terms, strict=True):
            # Words have no character that JSON writes in another way.
            add(
                f'{{"{fields.TEXT}":"{text}","{fields.ORIGIN}":{row[4]},"{fields.LEVEL}":{row[5]}'
                f',"{fields.STREAM}":{row[6]},"{fields.ROW}":{self._rows + number}}}'
            )
        self._rows += len(rows)


def _facts(values: Mapping[FieldName, Collection[str]]) -> Mapping[FieldName, Collection[str]]:
    return {name: listed for name, listed in values.items() if len(listed) <= MOST_FACTS}
