"""The verdict on one replay, from the ends and the outputs of both executions."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.pipelines.specification import OutputSpec
from cadence.domain.replay.clues import ExecutionSite, OutputClues, read
from cadence.domain.replay.contrast import Contrast, Form, contrast, form_of
from cadence.domain.replay.kinds import DifferenceEvidence, Execution
from cadence.domain.replay.pieces import upto


class ReplayVerdict(StrEnum):
    """The verdict on a replay."""

    PENDING = "pending"  # the replay goes on
    DETERMINISTIC = "deterministic"  # the same, byte by byte
    EQUIVALENT = "equivalent"  # the same values, written differently
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"  # one of the two did not end by itself


@dataclass(frozen=True)
class OutputDigest:
    """The SHA-256 and the size in bytes of an output."""

    sha256: str
    size: int


NOTHING = OutputDigest(hashlib.sha256(b"").hexdigest(), 0)
"""The digest of an output of which nothing is kept (of a treatment inside of an engine)."""


@dataclass(frozen=True, kw_only=True)
class OutputContrast:
    """The comparison of one output.

    `contrast` is None where the digests decide, or where `note` says why a comparison was not possible.
    """

    port: OutputSpec
    then: OutputDigest | None
    now: OutputDigest | None
    contrast: Contrast | None = None
    note: str | None = None

    @property
    def equal(self) -> bool:
        """Whether both have the same digest."""
        return (self.then and self.then.sha256) == (self.now and self.now.sha256)

    @property
    def same_values(self) -> bool:
        """Whether both have the same values, perhaps written differently."""
        return self.equal or bool(self.contrast and self.contrast.same_values)


def contrasted(
    port: OutputSpec,
    sent: tuple[OutputDigest | None, OutputDigest | None],
    contents: tuple[Iterable[bytes], Iterable[bytes]],
    most: int,
) -> OutputContrast:
    """Compares an output then and now.

    At most `most` bytes of each are read, and none if their digests decide.
    """
    then, now = sent
    if then is None or now is None or then.sha256 == now.sha256:
        return OutputContrast(port=port, then=then, now=now)
    if most <= 0:
        return OutputContrast(port=port, then=then, now=now, note="only its digest was compared")
    form = form_of(port.type, port.path)
    difference = contrast(form, upto(contents[0], most), upto(contents[1], most))
    if difference.first is not None:
        return OutputContrast(port=port, then=then, now=now, contrast=difference)
    if form is Form.ARCHIVE and max(then.size, now.size) <= most:
        note = "both archives hold the same, packed differently"
        return OutputContrast(port=port, then=then, now=now, contrast=Contrast(same_values=True), note=note)
    return OutputContrast(port=port, then=then, now=now, note=f"the first {most:,} bytes are the same")


def verdict(then: Execution, now: Execution, outputs: Sequence[OutputContrast]) -> tuple[ReplayVerdict, str | None]:
    """Returns the verdict, and in words what differs first and where."""
    if then.ending != now.ending:
        return ReplayVerdict.DIFFERS, f"it {then.words()} then, and {now.words()} now"
    differing = [output for output in outputs if not output.equal]
    if not differing:
        return ReplayVerdict.DETERMINISTIC, None
    real = [output for output in differing if not output.same_values]
    return (ReplayVerdict.DIFFERS, _words(real[0])) if real else (ReplayVerdict.EQUIVALENT, _words(differing[0]))


def evidence(
    then: Execution,
    now: Execution,
    outputs: Sequence[OutputContrast],
    sides: tuple[ExecutionSite, ExecutionSite],
    others: Sequence[Execution] = (),
) -> DifferenceEvidence:
    """Returns the evidence for what the treatment depends on; `others` are earlier replays."""
    readings: dict[str, OutputClues] = {}
    reordered = []
    for output in outputs:
        if output.same_values:
            continue
        difference = output.contrast
        if difference and difference.reordered:
            reordered.append(output.port.port)
        readings[output.port.port] = read(difference.pairs if difference else (), *sides)
    return DifferenceEvidence(then, [now, *others], readings, reordered)


def _words(output: OutputContrast) -> str:
    name = f"output {output.port.port}"
    if output.then is None or output.now is None:
        return f"{name} was sent then, but not now" if output.then else f"{name} was not sent then, but is now"
    if output.contrast is None or output.contrast.first is None:
        return f"{name} differs; {output.note}"
    suffix = " (the values are equal)" if output.contrast.same_values else ""
    return f"{name} differs first in {output.contrast.first.words()}{suffix}"
