"""Reads any piece of the content of a port, while it is sent as well as afterwards."""

from dataclasses import dataclass

from cadence.application.insight.treatment_insight import ReadTreatmentInsight
from cadence.application.runs.run_details import RunDetails
from cadence.application.shared.value_ports import Chunks, StreamStates
from cadence.domain.melodium.element import unreported_words
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.run import Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.stored_input import stored_value
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Gone, InvalidRequest, NotFound, Violation
from cadence.domain.values.value_retention import ValueRetention, bucket_of

LONGEST = 1024 * 1024
_SIGNALS = frozenset({Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED})


@dataclass(frozen=True, kw_only=True)
class Where:
    """The place where the content of a port is kept: as chunks, or in the document (`literal`).

    `ended` is False while more may come; `size` (bytes) and `sha256` are known once it is complete. `failed` content
    was kept of an attempt that failed, and feeds nothing.
    """

    treatment: str
    port: str
    flow: str
    type: str
    attempt: int
    prefix: str | None = None
    literal: bytes = b""
    ended: bool = True
    size: int | None = None
    sha256: str | None = None
    retention: ValueRetention | None = None
    failed: bool = False


@dataclass(frozen=True)
class Piece:
    """A piece of content. `size` is the number of bytes in total, so far if it has not `ended`."""

    where: Where
    offset: int
    content: bytes
    size: int


@dataclass(frozen=True)
class ReadContent:
    """Reads the content of ports."""

    chunks: Chunks
    streams: StreamStates
    look: ReadTreatmentInsight

    def of_output(self, insight: RunDetails, treatment: str, port: str, attempt: int | None) -> Where:
        """Locates an output's content: by its value, or as sent by one attempt (None: the latest).

        Raises NotFound, also if its engine sent values and did not report them.
        """
        spec, stored = self.look.context(insight, treatment)
        output = next((candidate for candidate in spec.outputs if candidate.port == port), None)
        if output is None:
            raise _no_port(treatment, "output", port, [candidate.port for candidate in spec.outputs])
        values = insight.value_store.get_values(insight.run.run_id, [(treatment, port)])
        if values and attempt in {None, values[0].attempt}:
            return of_value(values[0])
        number = attempt or stored.attempt
        if unreported := spec.element.unreported.get(port) if spec.element else None:
            raise NotFound(f"{treatment}.{port} sent {unreported_words(unreported)}.")
        if spec.kind is not TreatmentKind.COMMAND or number > stored.attempt:
            raise NotFound(f"{treatment}.{port} has sent nothing (yet).")
        run_id = insight.run.run_id
        runner_id = ids.runner_id(run_id, treatment, number)
        end = self.streams.get_progress(runner_id, port).end
        under_way = number == stored.attempt and stored.state is TreatmentState.RUNNING
        kept = None if end or under_way else self.streams.get_progress(runner_id, ids.kept_port(port)).end
        if kept:
            port, end = ids.kept_port(port), kept
        retention = self._retention(runner_id)
        return Where(
            treatment=treatment,
            port=output.port,
            flow=output.flow,
            type=output.type,
            attempt=number,
            prefix=ids.chunk_prefix(run_id, treatment, number, port, bucket_of(retention)),
            ended=end is not None or not under_way,
            size=end.size if end else None,
            sha256=end.sha256 if end else None,
            retention=retention,
            failed=kept is not None,
        )

    def of_input(self, insight: RunDetails, treatment: str, port: str) -> Where:
        """Locates the content that an input's producer sends or has sent. Raises NotFound."""
        spec, _ = self.look.context(insight, treatment)
        source = next((candidate for candidate in spec.inputs if candidate.port == port), None)
        if source is None:
            raise _no_port(treatment, "input", port, [candidate.port for candidate in spec.inputs])
        if source.source_treatment and source.source_port and source.source_port not in _SIGNALS:
            return self.of_output(insight, source.source_treatment, source.source_port, None)
        if source.stored is not None:
            return of_value(stored_value(insight.run.run_id, treatment, source, source.stored))
        literal = (source.literal or "").encode("utf-8", "surrogatepass")
        return Where(
            treatment=treatment,
            port=port,
            flow=source.flow,
            type=source.type,
            attempt=1,
            literal=literal,
            size=len(literal),
        )

    def read(self, where: Where, offset: int, length: int) -> Piece:
        """Returns at most `length` bytes from `offset` on; a negative offset counts from the end of the available
        content.

        Raises InvalidRequest for an offset beyond the end, NotFound if the content is not kept any more, Gone if it
        never was.
        """
        require_kept(f"{where.treatment}.{where.port}", where.retention)
        if where.prefix is None:
            size = len(where.literal)
            start = _start(offset, size)
            return Piece(where, start, where.literal[start : start + length], size)
        sizes = list(self.chunks.sizes(where.prefix))
        if not sizes and where.size is None and where.ended:
            raise NotFound(
                f"Attempt {where.attempt} of {where.treatment} sent nothing through {where.port}: "
                "it ended before it wrote this output, or has not started."
            )
        available = sum(sizes)
        size = available if where.size is None else where.size
        if available < size:
            raise NotFound(f"The content of {where.treatment}.{where.port} is not kept any more.")
        start = _start(offset, size)
        return Piece(where, start, self._read(where.prefix, sizes, start, length), size)

    def _retention(self, runner_id: str) -> ValueRetention | None:
        runner = self.look.hosts.get_runners([runner_id]).get(runner_id)
        return runner.retention if runner else None

    def _read(self, prefix: str, sizes: list[int], start: int, length: int) -> bytes:
        content = b""
        begin = 0
        for number, size in enumerate(sizes):
            if begin + size > start and len(content) < length:
                skipped = max(0, start - begin)
                count = min(size - skipped, length - len(content))
                content += self.chunks.read(f"{prefix}{number:012}", skipped, count)
            begin += size
        return content


def of_value(value: Value) -> Where:
    """Locates the content of a value."""
    return Where(
        treatment=value.treatment,
        port=value.port,
        flow=value.flow,
        type=value.type,
        attempt=value.attempt,
        prefix=value.chunk_prefix,
        size=value.size,
        sha256=value.digest,
        retention=value.retention,
    )


def require_kept(what: str, retention: ValueRetention | None) -> None:
    """Raises Gone for content that only treatments of its own run may read, whether it still exists or not."""
    if retention and retention.passes:
        raise Gone(f"{what} is not kept: {retention.reason}.", pool=retention.pool, capture=str(retention.capture))


def _start(offset: int, size: int) -> int:
    start = max(0, size + offset) if offset < 0 else offset
    if start > size:
        message = f"There are {size} bytes, so there is nothing at offset {offset}."
        raise InvalidRequest(message, [Violation("offset", message)])
    return start


def _no_port(treatment: str, kind: str, port: str, known: list[str]) -> NotFound:
    return NotFound(f"Treatment {treatment!r} has no {kind} {port!r} (it has: {', '.join(known) or 'none'}).")
