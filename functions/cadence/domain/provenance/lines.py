"""Compares the lines that a treatment sent with those that it had received, and maps one to the other.

Contents are held as one 64-bit hash for each line, so that millions of lines take little room; the caller, which has
the text of the line in question, compares that in full.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cadence.domain.provenance.graph import Basis, ValuePart


@dataclass(frozen=True)
class ContentLines:
    """The lines of a content: a hash for each, and where each begins (and, as the last, where the content ends)."""

    hashes: Sequence[int]
    starts: Sequence[int]

    def __len__(self) -> int:
        return len(self.hashes)

    def at(self, offset: int) -> int | None:
        """Returns the index of the line that this byte belongs to, its line end included; None outside."""
        index = bisect_right(self.starts, offset) - 1
        return index if 0 <= index < len(self.hashes) else None

    def part(self, index: int, candidates: int = 1) -> ValuePart:
        """Returns the line as a part of the value."""
        return ValuePart(self.starts[index], self.starts[index + 1] - self.starts[index], index + 1, candidates)


def read_lines(pieces: Iterable[bytes]) -> ContentLines:
    """Returns the lines of a content in pieces of any size.

    A last line without a line end counts like one with it.
    """
    hashes, lengths = array("q"), array("q", [0])
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        hashes.extend(map(hash, whole))
        lengths.extend(len(line) + 1 for line in whole)
    if rest:
        hashes.append(hash(rest))
        lengths.append(len(rest))
    return ContentLines(hashes, array("q", accumulate(lengths)))


@dataclass(frozen=True)
class LineMapping:
    """The way in which the lines of an output are lines of an input.

    `places` are the indexes there that the line in question can have. None of them means that the line was not passed
    on (in a forward trace), although others were.
    """

    basis: Basis
    places: Sequence[int]


def backward(output: ContentLines, inputs: Sequence[ContentLines], index: int) -> Sequence[LineMapping | None]:
    """Returns for each input where line `index` of the output came from; None where the lines prove nothing."""
    matches = [_in_order(output, source) for source in inputs]
    if any(matches):
        return [match.of_output(index) if match else None for match in matches]
    if not _selected(output, inputs):
        return [None] * len(inputs)
    return [_same(source, output.hashes[index]) for source in inputs]


def forward(
    source: ContentLines, others: Sequence[ContentLines], output: ContentLines, index: int
) -> LineMapping | None:
    """Returns where line `index` of an input went in the output; None where the lines prove nothing.

    `others` are the further inputs of the treatment.
    """
    match = _in_order(output, source)
    if match:
        return match.of_input(index)
    if any(_in_order(output, other) for other in others) or not _selected(output, [source, *others]):
        return None
    return LineMapping(
        Basis.SELECTION, [place for place, line in enumerate(output.hashes) if line == source.hashes[index]]
    )


def same_text(lines: ContentLines, text: bytes) -> Sequence[int]:
    """Returns the indexes of lines with this very text."""
    text_hash = hash(text)
    return [index for index, line in enumerate(lines.hashes) if line == text_hash]


@dataclass(frozen=True)
class _InOrder:
    """A match of all lines of the output.

    Each lies between its place in the leftmost and that in the rightmost match.
    """

    output: ContentLines
    source: ContentLines
    leftmost: Sequence[int]
    rightmost: Sequence[int]

    def of_output(self, index: int) -> LineMapping:
        first, last = self.leftmost[index], self.rightmost[index]
        line_hash = self.output.hashes[index]
        places = [place for place in range(first, last + 1) if self.source.hashes[place] == line_hash]
        return LineMapping(Basis.SUBSEQUENCE, places)

    def of_input(self, index: int) -> LineMapping:
        line_hash = self.source.hashes[index]
        places = [
            place
            for place, line in enumerate(self.output.hashes)
            if line == line_hash and self.leftmost[place] <= index <= self.rightmost[place]
        ]
        return LineMapping(Basis.SUBSEQUENCE, places)


def _in_order(output: ContentLines, source: ContentLines) -> _InOrder | None:
    """Returns the match; None unless every line of the output is one of the source, in order.

    An output without lines proves nothing.
    """
    if not len(output) or len(output) > len(source):
        return None
    leftmost = _matched(output.hashes, source.hashes)
    if leftmost is None:
        return None
    backwards = _matched(output.hashes[::-1], source.hashes[::-1])
    assert backwards is not None
    last = len(source) - 1
    return _InOrder(output, source, leftmost, array("q", (last - place for place in reversed(backwards))))


def _matched(sought: Sequence[int], lines: Sequence[int]) -> Sequence[int] | None:
    """Returns the earliest place of each line, or None."""
    places = array("q")
    remaining = enumerate(lines)
    for line in sought:
        place = next((place for place, candidate in remaining if candidate == line), None)
        if place is None:
            return None
        places.append(place)
    return places


def _selected(output: ContentLines, inputs: Sequence[ContentLines]) -> bool:
    """Returns whether the inputs together have each line of the output at least as often as it does."""
    if not len(output) or len(output) > sum(map(len, inputs)):
        return False
    missing = Counter(output.hashes)
    for source in inputs:
        missing.subtract(line for line in source.hashes if line in missing)
    return all(count <= 0 for count in missing.values())


def _same(lines: ContentLines, line_hash: int) -> LineMapping:
    return LineMapping(Basis.SELECTION, [place for place, line in enumerate(lines.hashes) if line == line_hash])
