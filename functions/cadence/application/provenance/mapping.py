"""Maps a piece of an output to the piece of an input it came from, and the reverse, as far as it can be known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.application.provenance.contents import Contents
from cadence.application.provenance.known import Known
from cadence.domain.pipelines.specification import InputSpec, TreatmentSpec
from cadence.domain.provenance import lines as by_lines
from cadence.domain.provenance.graph import PROVEN, Basis, ValuePart
from cadence.domain.provenance.lines import ContentLines, LineMapping
from cadence.domain.runs.run import Treatment, Value
from cadence.domain.shared import ids
from cadence.domain.values.value_retention import bucket_of

_NO_LINES = frozenset({"byte", "void"})


@dataclass(frozen=True)
class Mapped:
    """The result of a mapping: `part` is None for the whole value, or no particular piece of it.

    `absent` states that the requested piece was not passed on.
    """

    basis: Basis
    part: ValuePart | None = None
    note: str | None = None
    absent: bool = False


RECORDED = Mapped(Basis.RECORDED)


@dataclass
class PieceMapping:
    """Maps pieces between the inputs and outputs of treatments."""

    known: Known
    contents: Contents

    def located(self, value: Value, offset: int) -> ValuePart:
        """Returns the line that has this byte, or the byte alone where there are no lines or too many."""
        lines = self.contents.lines(value) if has_lines(value) else None
        index = lines.at(offset) if lines else None
        return lines.part(index) if lines and index is not None else ValuePart(offset, 1)

    def to_inputs(self, run_id: str, spec: TreatmentSpec, port: str, part: ValuePart | None) -> Mapping[str, Mapped]:
        """Returns, for each fed input of the treatment, its piece that the `part` of the output `port` came from."""
        output = self.known.value(run_id, spec.name, port)
        sources = {
            input_spec.port: input_spec
            for input_spec in spec.inputs
            if input_spec.source_treatment and input_spec.source_port
        }
        values = {name: self._source(run_id, input_spec) for name, input_spec in sources.items()}
        if output is not None:
            identical = _identical(output, values, part)
            if identical:
                return {name: identical.get(name, _beside(part)) for name in sources}
        if part is None:
            return dict.fromkeys(sources, RECORDED)
        proven = self._proven(output, values, part) if output is not None else {}
        if any(mapped.basis in PROVEN for mapped in proven.values()):
            return {
                name: mapped if (mapped := proven.get(name)) and mapped.basis in PROVEN else _beside(part)
                for name in sources
            }
        sent_at = self._sent_at(run_id, spec, port, part, output)
        return {
            name: self._before(run_id, input_spec, sent_at, unread=name in proven)
            for name, input_spec in sources.items()
        }

    def to_output(self, run_id: str, spec: TreatmentSpec, port: str, part: ValuePart, output: Value) -> Mapped:
        """Returns the piece of `output`, which the treatment sent, that the `part` of its input `port` became."""
        sources = {fed.port: fed for fed in spec.inputs if fed.source_treatment and fed.source_port}
        values = {name: self._source(run_id, fed) for name, fed in sources.items()}
        source = values.pop(port, None)
        if source is None:
            return Mapped(Basis.TEMPORAL)
        if _same(source, output):
            return Mapped(Basis.IDENTICAL, part)
        if self.contents.begins_with(source, output):
            inside = part.offset < output.size
            return Mapped(Basis.PREFIX, part if inside else None, absent=not inside)
        if not has_lines(source) or not has_lines(output) or part.line is None:
            return Mapped(Basis.TEMPORAL)
        whole = [self.contents.lines(value) for value in (source, output)]
        others = [self.contents.lines(value) for value in values.values() if value and has_lines(value)]
        if None in whole or None in others:
            return Mapped(Basis.UNCHECKED, note=_unread(source, output, *values.values()))
        first, sent = (lines for lines in whole if lines is not None)
        passed = by_lines.forward(first, [lines for lines in others if lines is not None], sent, part.line - 1)
        return _mapped(passed, sent) if passed else Mapped(Basis.TEMPORAL)

    def given_by(self, run_id: str, spec: TreatmentSpec, at: datetime) -> Mapping[str, Mapped]:
        """Returns, for each fed input, its piece that was in the store at a time."""
        return {
            input_spec.port: self._before(run_id, input_spec, at, unread=False)
            for input_spec in spec.inputs
            if input_spec.source_treatment and input_spec.source_port
        }

    def with_text(self, run_id: str, input_spec: InputSpec, text: str) -> Mapped | None:
        """Returns the piece of an input with this very line; None if it has none."""
        value = self._source(run_id, input_spec)
        return None if value is None else self.text_in(value, text)

    def text_in(self, value: Value, text: str) -> Mapped | None:
        """Returns the piece of a value with this very line; None if it has none, or cannot be read."""
        lines = self.contents.lines(value) if text.strip() and has_lines(value) else None
        places = by_lines.same_text(lines, text.encode("utf-8", "surrogatepass")) if lines else ()
        if lines is None or not places:
            return None
        return Mapped(Basis.SAME_TEXT, lines.part(places[0], len(places)), "this very line is there")

    def _source(self, run_id: str, input_spec: InputSpec) -> Value | None:
        return self.known.value(run_id, input_spec.source_treatment or "", input_spec.source_port or "")

    def _proven(self, output: Value, values: Mapping[str, Value | None], part: ValuePart) -> Mapping[str, Mapped]:
        """Returns, by input, the mappings that the contents prove; UNCHECKED where they could not be read."""
        proven: dict[str, Mapped] = {}
        for name, value in values.items():
            if value is None or not value.size:
                continue
            begins = self.contents.begins_with(value, output) if output.size else False
            if begins:
                return {name: Mapped(Basis.PREFIX, part)}
            if begins is None:
                proven[name] = Mapped(Basis.UNCHECKED, note=_unread(value, output))
        if has_lines(output) and part.line is not None:
            proven |= self._by_lines(output, values, part.line - 1)
        return proven

    def _by_lines(self, output: Value, values: Mapping[str, Value | None], index: int) -> Mapping[str, Mapped]:
        texts = {name: value for name, value in values.items() if value is not None and has_lines(value)}
        whole = {name: self.contents.lines(value) for name, value in texts.items()}
        sent = self.contents.lines(output)
        unread = [name for name, lines in whole.items() if lines is None]
        if sent is None or unread:
            return {name: Mapped(Basis.UNCHECKED, note=_unread(texts[name], output)) for name in (unread or texts)}
        names = list(whole)
        sources = [lines for lines in whole.values() if lines is not None]
        mappings = by_lines.backward(sent, sources, index)
        return {
            name: _mapped(mapping, lines)
            for name, lines, mapping in zip(names, sources, mappings, strict=True)
            if mapping is not None and mapping.places
        }

    def _sent_at(
        self, run_id: str, spec: TreatmentSpec, port: str, part: ValuePart, output: Value | None
    ) -> datetime | None:
        """Returns when this piece of a stream had been sent; None for a block, which comes after all inputs."""
        flow = next((declared.flow for declared in spec.outputs if declared.port == port), "block")
        treatment = self.known.treatment(run_id, spec.name)
        if flow != "stream" or treatment is None:
            return None
        prefix = output.chunk_prefix if output else _sending(treatment, port)
        return self.contents.stored_at(prefix, part.offset)

    def _before(self, run_id: str, input_spec: InputSpec, at: datetime | None, *, unread: bool) -> Mapped:
        value = self._source(run_id, input_spec)
        note = _unread(value) if unread else None
        basis = Basis.UNCHECKED if unread else Basis.TEMPORAL
        if input_spec.flow != "stream" or at is None:
            return Mapped(basis, note=note or "the whole of it was there before")
        producer = self.known.treatment(run_id, input_spec.source_treatment or "")
        if value is None and producer is None:
            return Mapped(basis, note=note)
        port = input_spec.source_port or ""
        prefix = value.chunk_prefix if value else _sending(producer, port) if producer else ""
        present = self.contents.sent_by(prefix, at)
        if present is None:
            return Mapped(basis, note=note)
        if value and present.length >= value.size:
            return Mapped(basis, note=note or "the whole of it was there before")
        return Mapped(basis, present, note or f"only its first {present.length:,} bytes were there before")


TOO_LARGE = "too large to be compared, or not kept any more"


def _unread(*values: Value | None) -> str:
    """Returns why values could not be compared."""
    return next(
        (f"not kept: {value.retention.reason}" for value in values if value and value.retention and value.passes),
        TOO_LARGE,
    )


def _sending(treatment: Treatment, port: str) -> str:
    """Returns the prefix under which the treatment's latest attempt stores an output."""
    return ids.chunk_prefix(treatment.run_id, treatment.name, treatment.attempt, port, bucket_of(treatment.retention))


def _same(first: Value, second: Value) -> bool:
    return first.digest is not None and first.digest == second.digest


def has_lines(value: Value) -> bool:
    """Returns True if the value is a text of lines: any stream but one of bytes, or a block of text."""
    return value.type == "string" or (value.flow == "stream" and value.type not in _NO_LINES)


def _identical(output: Value, values: Mapping[str, Value | None], part: ValuePart | None) -> Mapping[str, Mapped]:
    return {
        name: Mapped(Basis.IDENTICAL, part)
        for name, value in values.items()
        if value is not None and _same(value, output) and value.size
    }


def _beside(part: ValuePart | None) -> Mapped:
    """Returns the mapping of an input from which the piece did not come, since another one passed it on."""
    return Mapped(Basis.RECORDED, note="may have decided what was passed on" if part else None)


def _mapped(passed: LineMapping, lines: ContentLines) -> Mapped:
    places: Sequence[int] = passed.places
    if not places:
        return Mapped(passed.basis, absent=True)
    return Mapped(passed.basis, lines.part(places[0], len(places)))
