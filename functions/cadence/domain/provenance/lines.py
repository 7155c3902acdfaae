"""Whether the lines that a treatment sent are lines that it had received, and which is which.

Contents are held as one 64-bit hash for each line, so that millions of lines take little room; the line that is asked
about is compared in full by whoever has its text.
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
        """The index of the line that this byte belongs to, its line end included."""
        index = bisect_right(self.starts, offset) - 1
        return index if 0 <= index < len(self.hashes) else None

    def part(self, index: int, candidates: int = 1) -> ValuePart:
        return ValuePart(self.starts[index], self.starts[index + 1] - self.starts[index], index + 1, candidates)


def read_lines(pieces: Iterable[bytes]) -> ContentLines:
    """Of a content in pieces of any size. A last line without a line end counts like one with it."""
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
    """How the lines of an output are lines of an input. `places` are the indexes there that the line asked about can have.

    None of them means that the line was not passed on (of a forward question), although others were.
    """

    basis: Basis
    places: Sequence[int]


def backward(output: ContentLines, inputs: Sequence[ContentLines], index: int) -> Sequence[LineMapping | None]:
    """For each input, where in it line `index` of the output came from; None where the lines prove nothing."""
    ordered = [_in_order(output, given) for given in inputs]
    if any(ordered):
        return [found.of_output(index) if found else None for found in ordered]
    if not _selected(output, inputs):
        return [None] * len(inputs)
    return [_same(given, output.hashes[index]) for given in inputs]


def forward(
    source: ContentLines, others: Sequence[ContentLines], output: ContentLines, index: int
) -> LineMapping | None:
    """Where line `index` of an input went in the output; `others` are the further inputs of the treatment."""
    found = _in_order(output, source)
    if found:
        return found.of_input(index)
    if any(_in_order(output, other) for other in others) or not _selected(output, [source, *others]):
        return None
    return LineMapping(
        Basis.SELECTION, [place for place, line in enumerate(output.hashes) if line == source.hashes[index]]
    )


def same_text(lines: ContentLines, text: bytes) -> Sequence[int]:
    """The places of lines with this very text."""
    wanted = hash(text)
    return [index for index, line in enumerate(lines.hashes) if line == wanted]


@dataclass(frozen=True)
class _InOrder:
    """A match of all lines of the output: each lies between its place in the leftmost and that in the rightmost match."""

    output: ContentLines
    source: ContentLines
    leftmost: Sequence[int]
    rightmost: Sequence[int]

    def of_output(self, index: int) -> LineMapping:
        first, last = self.leftmost[index], self.rightmost[index]
        wanted = self.output.hashes[index]
        places = [place for place in range(first, last + 1) if self.source.hashes[place] == wanted]
        return LineMapping(Basis.SUBSEQUENCE, places)

    def of_input(self, index: int) -> LineMapping:
        wanted = self.source.hashes[index]
        places = [
            place
            for place, line in enumerate(self.output.hashes)
            if line == wanted and self.leftmost[place] <= index <= self.rightmost[place]
        ]
        return LineMapping(Basis.SUBSEQUENCE, places)


def _in_order(output: ContentLines, source: ContentLines) -> _InOrder | None:
    """None unless every line of the output is one of the source, in order. An output without lines proves nothing."""
    if not len(output) or len(output) > len(source):
        return None
    leftmost = _matched(output.hashes, source.hashes)
    if leftmost is None:
        return None
    backwards = _matched(output.hashes[::-1], source.hashes[::-1])
    assert backwards is not None
    last = len(source) - 1
    return _InOrder(output, source, leftmost, array("q", (last - place for place in reversed(backwards))))


def _matched(wanted: Sequence[int], lines: Sequence[int]) -> Sequence[int] | None:
    """The earliest place of each, or None."""
    places = array("q")
    remaining = enumerate(lines)
    for line in wanted:
        place = next((place for place, candidate in remaining if candidate == line), None)
        if place is None:
            return None
        places.append(place)
    return places


def _selected(output: ContentLines, inputs: Sequence[ContentLines]) -> bool:
    """Whether the inputs together have each line of the output at least as often as it does."""
    if not len(output) or len(output) > sum(map(len, inputs)):
        return False
    left = Counter(output.hashes)
    for given in inputs:
        left.subtract(line for line in given.hashes if line in left)
    return all(count <= 0 for count in left.values())


def _same(lines: ContentLines, wanted: int) -> LineMapping:
    return LineMapping(Basis.SELECTION, [place for place, line in enumerate(lines.hashes) if line == wanted])
