"""Runs that have ended, in memory, to be traced."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.logs.ports import Line, LogHead
from cadence.application.provenance.known import Stores
from cadence.application.provenance.ports import StoredChunk
from cadence.application.provenance.trace import MOST_NODES, Trace
from cadence.domain.logs.log import Segment, Watermark
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentSpec
from cadence.domain.pipelines.versions import PipelineVersion
from cadence.domain.provenance.graph import Direction, Graph, Link
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.edge import edges_of
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound
from tests.fakes.provenance import MemoryCacheHistory, MemoryChunkTimes, MemoryProvenance
from tests.fakes.runs import MemoryRunStore
from tests.fakes.services import MemoryChunks, MemoryDocuments

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass
class Segments:
    """Of all runs; a segment's key is its number."""

    lines: list[Sequence[Line]] = field(default_factory=list)

    def list_segments(self, run_id: str, from_number: int, limit: int) -> Sequence[Segment]:
        numbers = range(from_number, min(len(self.lines), from_number + limit))
        return [
            Segment(
                organization="acme",
                project="site",
                pipeline="build",
                run_id=run_id,
                number=n,
                key=str(n),
                first_time="",
                last_time="",
                lines=len(self.lines[n]),
                treatments=(),
                levels=(),
            )
            for n in numbers
        ]

    def newest_segments(self, run_id: str, limit: int, before: int | None = None) -> Sequence[Segment]:
        there = self.list_segments(run_id, 0, len(self.lines))[::-1]
        return [segment for segment in there if before is None or segment.number < before][:limit]

    def get_head(self, organization: str, run_id: str, runner_ids: Iterable[str]) -> LogHead:
        return LogHead(len(self.lines), {})

    def append(self, head: LogHead, segment: Segment, watermarks: Sequence[Watermark]) -> None:
        raise AssertionError("a trace writes nothing")

    def write(self, run_id: str, number: int, lines: Sequence[Line], bucket: str | None = None) -> str:
        raise AssertionError("a trace writes nothing")

    def read(self, key: str) -> Sequence[Line]:
        return self.lines[int(key)]


@dataclass
class MemoryRunnerLookup:
    runners: dict[str, Runner] = field(default_factory=dict)

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        return {one: self.runners[one] for one in runner_ids if one in self.runners}


@dataclass
class MemoryPipelines:
    """Versions by pipeline, in order."""

    versions: dict[str, list[PipelineVersion]] = field(default_factory=dict)

    def newest(self, organization: str, project: str, name: str) -> PipelineVersion:
        return self.version(organization, project, name, len(self.versions.get(name, ())))

    def version(self, organization: str, project: str, name: str, version: int) -> PipelineVersion:
        found = self.versions.get(name, [])
        if not 1 <= version <= len(found):
            raise NotFound(f"{name} has no version {version}")
        return found[version - 1]

    def list_newest(self, organization: str, project: str) -> Sequence[PipelineVersion]:
        return [versions[-1] for versions in self.versions.values()]

    def list_versions(self, organization: str, project: str, name: str) -> Sequence[PipelineVersion]:
        return self.versions.get(name, [])[::-1]

    def add_version(self, version: PipelineVersion) -> None:
        self.versions.setdefault(version.name, []).append(version)


class Past:
    """What has run, and a `Trace` over it."""

    def __init__(self) -> None:
        self.runs = MemoryRunStore()
        self.documents = MemoryDocuments()
        self.chunks = MemoryChunks()
        self.times = MemoryChunkTimes()
        self.caches = MemoryCacheHistory()
        self.segments = Segments()
        self.runners = MemoryRunnerLookup()
        self.pipelines = MemoryPipelines()
        stores = Stores(
            runs=self.runs,
            treatments=self.runs,
            values=self.runs,
            groups=self.runs,
            runners=self.runners,
            provenance=MemoryProvenance(self.runs),
            documents=self.documents,
            pipelines=self.pipelines,
        )
        self.trace = Trace(
            stores=stores,
            chunks=self.chunks,
            times=self.times,
            caches=self.caches,
            index=self.segments,
            segments=self.segments,
        )

    def run(self, run_id: str, *specs: TreatmentSpec, **fields: Any) -> Run:
        """All of its treatments have succeeded."""
        run = Run(
            run_id=run_id,
            organization="acme",
            project="site",
            pipeline="build",
            state=RunState.SUCCEEDED,
            created_at=NOW,
            document_sha256="d" * 64,
            plan_sha256="e" * 64,
            finished_at=NOW,
        )
        run = dataclasses.replace(run, **fields)
        self.runs.create_run(run)
        treatments = [
            Treatment(
                run_id=run_id, name=spec.name, state=TreatmentState.SUCCEEDED, waiting=0, kind=spec.kind, started_at=NOW,
                finished_at=NOW + timedelta(seconds=2),
            )
            for spec in specs
        ]  # fmt: skip
        self.runs.admit(run_id, specs, treatments, edges_of(run_id, specs))
        return self.runs.get_run(run_id)

    def sent(self, run: Run, treatment: str, port: str, *chunks: bytes, after: Sequence[float] = ()) -> Value:
        """`after` are the seconds at which the chunks came to the store."""
        spec = self.runs.get_spec(run.run_id, treatment)
        output = next(one for one in spec.outputs if one.port == port)
        content = b"".join(chunks)
        value = Value(
            run_id=run.run_id, treatment=treatment, port=port, flow=output.flow, type=output.type, sha256=hashlib.sha256(content).hexdigest(),
            size=len(content), chunks=len(chunks), attempt=1, preview=content[:4096], created_at=NOW,
        )  # fmt: skip
        self.runs.put_values([value])
        for number, chunk in enumerate(chunks):
            self.chunks.write(ids.chunk_key(run.run_id, treatment, 1, port, number), chunk)
        if after:
            self.times.chunks[value.chunk_prefix] = [
                StoredChunk(len(chunk), NOW + timedelta(seconds=at)) for chunk, at in zip(chunks, after, strict=True)
            ]
        return value

    def back(self, run: Run, port: str, offset: int | None = None, **how: Any) -> Graph:
        treatment, _, name = port.rpartition(".")
        limit = how.pop("limit", MOST_NODES)
        return self.trace.value(run, treatment, name, offset, Direction.BACKWARD, limit, **how)

    def ahead(self, run: Run, port: str, offset: int | None = None, **how: Any) -> Graph:
        treatment, _, name = port.rpartition(".")
        limit = how.pop("limit", MOST_NODES)
        return self.trace.value(run, treatment, name, offset, Direction.FORWARD, limit, **how)


def spec(
    name: str, inputs: Mapping[str, str] | None = None, outputs: Sequence[str] = (), **fields: Any
) -> TreatmentSpec:
    """Ports are written as `name`, of a stream of lines, or as `name:flow:type`; inputs are fed by `treatment.port`."""
    return TreatmentSpec(
        name=name,
        run="run",
        inputs=tuple(_input(port, source) for port, source in (inputs or {}).items()),
        outputs=tuple(OutputSpec(**_port(port)) for port in outputs),
        **fields,
    )


def link(graph: Graph, effect: str, cause: str) -> Link:
    """The only link between two nodes, by the ends of their ids."""
    found = [one for one in graph.links if str(one.effect).endswith(effect) and str(one.cause).endswith(cause)]
    assert len(found) == 1, [(str(one.effect), str(one.cause)) for one in graph.links]
    return found[0]


def names(graph: Graph) -> set[str]:
    return {str(node) for node in graph.nodes}


def _input(written: str, source: str) -> InputSpec:
    treatment, port = source.rsplit(".", 1)
    return InputSpec(**_port(written), source_treatment=treatment, source_port=port)


def _port(written: str) -> dict[str, Any]:
    name, _, kind = written.partition(":")
    flow, _, of = (kind or "stream:string").partition(":")
    return {"port": name, "flow": flow, "type": of}
