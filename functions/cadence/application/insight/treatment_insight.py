"""Reads one treatment: its specification, inputs and outputs so far, and attempts; and the instances of a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cadence.application.logs.ports import LogMarks
from cadence.application.runs.run_details import RunDetails, attempts
from cadence.application.shared.run_ports import GroupStore
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.logs.log import Watermark
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.runners.attempts import in_attempt
from cadence.domain.runners.runner import OutputStream, Runner
from cadence.domain.runs.run import Run, Treatment, Value
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.stored_input import stored_value
from cadence.domain.shared import ids
from cadence.domain.shared.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class PortContent:
    """A port with its content: the value once that is complete, until then the stream as far as it was sent.

    `kept` is an output of an attempt that failed, which feeds nothing. `element_of` is the output whose element an
    instance of `each` was made for.
    """

    port: InputSpec | OutputSpec
    value: Value | None = None
    stream: OutputStream | None = None
    kept: Value | None = None
    attempt: int | None = None
    element_of: tuple[str, str] | None = None

    @property
    def source(self) -> tuple[str, str] | None:
        """The treatment and the output that feed it."""
        port = self.port
        if isinstance(port, InputSpec) and port.source_treatment and port.source_port:
            return port.source_treatment, port.source_port
        return None


@dataclass(frozen=True, kw_only=True)
class TreatmentInsight:
    """One treatment in one of its attempts, with its inputs and outputs, and the runners of all `attempts`.

    `latest_attempt` is the number of the last one.
    """

    run: Run
    spec: TreatmentSpec
    treatment: Treatment
    latest_attempt: int
    attempts: Sequence[Runner]
    watermarks: Mapping[str, Watermark]
    inputs: Sequence[PortContent]
    outputs: Sequence[PortContent]

    def lines_left_out(self, runner: Runner) -> int:
        """How many lines of an attempt were not kept because of a log quota; of a running one, as far as is known."""
        mark = self.watermarks.get(runner.runner_id)
        return mark.left_out_of(runner.result.logs_through if runner.result else mark.through) if mark else 0


@dataclass(frozen=True)
class InstanceSummary:
    """One instance of a group with its latest runner and its values."""

    spec: TreatmentSpec
    treatment: Treatment
    runner: Runner | None
    outputs: Sequence[Value]


@dataclass(frozen=True)
class ReadTreatmentInsight:
    """Reads treatments and instances."""

    hosts: HostStore
    groups: GroupStore
    marks: LogMarks

    def read(self, insight: RunDetails, name: str, attempt: int | None = None) -> TreatmentInsight:
        """Returns what belongs to this treatment in an attempt (None: its latest), and reads nothing else.

        Raises NotFound, also for an attempt that there was not.
        """
        spec, latest = self.context(insight, name)
        made = attempts(insight.runners, latest)
        number = latest.attempt if attempt is None else attempt
        runner = next((runner for runner in made if runner.attempt == number), None)
        treatment = in_attempt(latest, number, runner)
        ports = [source for port in spec.inputs if (source := PortContent(port=port).source)]
        ports += [(name, port.port) for port in spec.outputs]
        stored = insight.value_store.get_values(insight.run.run_id, ports) if ports else ()
        values = {(value.treatment, value.port): value for value in stored}
        producers = self._producers(insight, spec, values)
        inputs = [self._input(insight, spec, port, values, producers) for port in spec.inputs]
        # What an earlier attempt sent is no value.
        own = values if number == latest.attempt else {}
        lacking = any((name, port.port) not in own for port in spec.outputs)
        sent = self._sent(insight, name, treatment.attempt) if lacking and spec.kind is TreatmentKind.COMMAND else {}
        outputs = [
            PortContent(
                port=port,
                value=own.get((name, port.port)),
                stream=sent.get(port.port),
                kept=_kept(runner, port, sent.get(ids.kept_port(port.port))),
                attempt=treatment.attempt,
            )
            for port in spec.outputs
        ]
        return TreatmentInsight(
            run=insight.run,
            spec=spec,
            treatment=treatment,
            latest_attempt=latest.attempt,
            attempts=made,
            watermarks=self.marks.watermarks([runner.runner_id for runner in made]) if made else {},
            inputs=inputs,
            outputs=outputs,
        )

    def context(self, insight: RunDetails, name: str) -> tuple[TreatmentSpec, Treatment]:
        """Returns the specification and the treatment; before admission only the plan has them. Raises NotFound."""
        run_id = insight.run.run_id
        try:
            context = insight.treatment_store.get_context(run_id, name)
        except NotFound:
            return insight.spec(name), Treatment(run_id=run_id, name=name, state=TreatmentState.PENDING, waiting=0)
        return context.spec, context.treatment

    def instance_names(self, insight: RunDetails, group: str) -> Sequence[str]:
        """Returns the names of a group's instances in their order. Raises NotFound for what is no group."""
        spec, _ = self.context(insight, group)
        if spec.kind is TreatmentKind.GATHER:
            return spec.instances
        if spec.kind is TreatmentKind.EACH:
            return self.groups.get_growth(insight.run.run_id, group).names()
        raise NotFound(f"Treatment {group!r} has neither a matrix nor `each`, so it has no instances.")

    def instances(self, insight: RunDetails, names: Sequence[str]) -> Sequence[InstanceSummary]:
        """Returns those of the instances that exist."""
        run_id = insight.run.run_id
        treatments = insight.treatment_store.get_treatments([(run_id, name) for name in names])
        runner_ids = {
            name: ids.runner_id(run_id, name, treatment.attempt) for (_, name), treatment in treatments.items()
        }
        runners = self.hosts.get_runners(runner_ids.values())
        specs = {name: insight.spec(name) for name in names}
        ports = [(name, port.port) for name in names for port in specs[name].outputs]
        values = insight.value_store.get_values(run_id, ports) if ports else ()
        return [
            InstanceSummary(
                specs[name],
                treatments[run_id, name],
                runners.get(runner_ids[name]),
                [value for value in values if value.treatment == name],
            )
            for name in names
            if (run_id, name) in treatments
        ]

    def _producers(
        self, insight: RunDetails, spec: TreatmentSpec, values: Mapping[tuple[str, str], Value]
    ) -> Mapping[str, Treatment]:
        """Returns the producers of the inputs whose values are not complete."""
        names = {
            source[0] for port in spec.inputs if (source := PortContent(port=port).source) and source not in values
        }
        treatments = (
            insight.treatment_store.get_treatments([(insight.run.run_id, name) for name in names]) if names else {}
        )
        return {name: treatment for (_, name), treatment in treatments.items()}

    def _input(
        self,
        insight: RunDetails,
        spec: TreatmentSpec,
        port: InputSpec,
        values: Mapping[tuple[str, str], Value],
        producers: Mapping[str, Treatment],
    ) -> PortContent:
        source = PortContent(port=port).source
        if port.stored is not None:
            return PortContent(port=port, value=stored_value(insight.run.run_id, spec.name, port, port.stored))
        if source is None:
            return PortContent(port=port, element_of=self._element_of(insight, spec, port))
        if source in values:
            return PortContent(port=port, value=values[source])
        producer = producers.get(source[0])
        if producer is None or producer.kind is not TreatmentKind.COMMAND:
            return PortContent(port=port)
        stream = self._sent(insight, source[0], producer.attempt).get(source[1])
        return PortContent(port=port, value=None, stream=stream, attempt=producer.attempt)

    @staticmethod
    def _element_of(insight: RunDetails, spec: TreatmentSpec, port: InputSpec) -> tuple[str, str] | None:
        if spec.group is None or port.literal is None:
            return None
        group = insight.spec(spec.group)
        if group.kind is not TreatmentKind.EACH or group.each != port.port:
            return None
        return next(
            (
                source
                for candidate in group.inputs
                if candidate.port == port.port and (source := PortContent(port=candidate).source)
            ),
            None,
        )

    @staticmethod
    def _sent(insight: RunDetails, treatment: str, attempt: int) -> Mapping[str, OutputStream]:
        runner_id = ids.runner_id(insight.run.run_id, treatment, attempt)
        return {stream.port: stream for stream in insight.runners.list_outputs(runner_id)}


def _kept(runner: Runner | None, port: OutputSpec, stream: OutputStream | None) -> Value | None:
    if runner is None or stream is None or stream.sha256 is None:
        return None
    return Value(
        run_id=runner.run_id,
        treatment=runner.treatment,
        port=stream.port,
        flow=port.flow,
        type=port.type,
        sha256=stream.sha256,
        size=stream.size,
        chunks=stream.committed,
        attempt=runner.attempt,
        preview=stream.preview,
        created_at=runner.result.finished_at if runner.result else None,
        retention=runner.retention,
    )
