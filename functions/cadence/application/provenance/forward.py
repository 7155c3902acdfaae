"""Traces one step from a cause to its effects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cadence.application.provenance.elements import instance_names
from cadence.application.provenance.mapping import RECORDED, Mapped
from cadence.application.provenance.ports import FollowingRun, ValueArrival
from cadence.application.provenance.steps import (
    FAN,
    Steps,
    TraceStep,
    Tracing,
    cache_node,
    owner,
    page,
    run_node,
    treatment_node,
    value_node,
)
from cadence.application.shared.block_values import LARGEST_VALUE
from cadence.application.shared.identifiers import child_run_id
from cadence.domain.pipelines.specification import (
    OutputSpec,
    TreatmentKind,
    TreatmentSpec,
    in_group,
    port_of_instances,
)
from cadence.domain.provenance.graph import Basis, Link, LinkKind, Node, NodeKind, ValuePart
from cadence.domain.scheduling.group import instance_name
from cadence.domain.shared import ids
from cadence.domain.values.cache import CacheUse

_Maker = Callable[[], TraceStep | None]
# The list of a value's effects that a position is in: its consumers, its arrivals elsewhere, the runs that followed.
_CONSUMERS, _PASSED, _RUNS = "c", "p", "r"


@dataclass
class Forward:
    """Finds the effects of a node."""

    tracing: Tracing

    def trace(self, node: Node, position: str | None) -> Steps:
        """Returns the steps to a node's effects, from `position` on."""
        match node.id.kind:
            case NodeKind.VALUE:
                return self._of_value(node, position or _CONSUMERS)
            case NodeKind.TREATMENT:
                return page(self._of_treatment(node), position)
            case NodeKind.CACHE:
                return self._of_cache(node, position)
            case NodeKind.RUN:
                return self._of_run(node, position)
            case NodeKind.LINE:
                return page(self._of_line(node), position)
            case NodeKind.PIPELINE:
                return Steps([])

    def _of_value(self, node: Node, position: str) -> Steps:
        treatment, port = owner(node.id)
        which, after = position[:1], position[1:] or None
        if which == _RUNS:
            return self._in_runs(node, treatment, port, after)
        if which == _PASSED:
            return self._elsewhere(node, treatment, port, after)
        consumers = self.tracing.known.stores.provenance.consumers(node.id.run_id, treatment, FAN, after)
        self.tracing.known.load_treatments((node.id.run_id, name) for name in consumers.items)
        steps = [step for name in consumers.items for step in self._consumed(node, treatment, port, name)]
        if consumers.after:
            return Steps(steps, _CONSUMERS + consumers.after)
        elsewhere = self._elsewhere(node, treatment, port, None)
        return Steps([*steps, *elsewhere.steps], elsewhere.more)

    def _elsewhere(self, node: Node, treatment: str, port: str, after: str | None) -> Steps:
        """Returns the steps to runs of other engines, where it arrived unchanged, then to runs that followed."""
        arrivals = self.tracing.known.stores.provenance.passed_to(node.id.run_id, treatment, port, FAN, after)
        self.tracing.known.load_runs(arrival.run_id for arrival in arrivals.items)
        steps = [self._passed(node, arrival) for arrival in arrivals.items if self.tracing.known.run(arrival.run_id)]
        if arrivals.after:
            return Steps(steps, _PASSED + arrivals.after)
        in_runs = self._in_runs(node, treatment, port, None)
        return Steps([*steps, *in_runs.steps], in_runs.more)

    def _passed(self, node: Node, to: ValueArrival) -> TraceStep:
        arrived = value_node(to.run_id, to.treatment, to.port, node.part)
        run = self.tracing.known.run(to.run_id)
        note = "on to another engine" if run and run.melodium else "given to a replay"
        link = Link(
            effect=arrived.id,
            cause=node.id,
            kind=LinkKind.DERIVED_FROM,
            basis=Basis.RECORDED,
            port=to.port,
            note=note,
            effect_part=node.part,
            cause_part=node.part,
        )
        return TraceStep(link, arrived)

    def _in_runs(self, node: Node, treatment: str, port: str, after: str | None) -> Steps:
        runs = self.tracing.known.stores.provenance.following_runs(node.id.run_id, FAN, after)
        self.tracing.known.load_values((run.run_id, treatment, port) for run in runs.items)
        steps = [self._in_following_run(node, treatment, port, run) for run in runs.items]
        return Steps([step for step in steps if step], _RUNS + runs.after if runs.after else None)

    def _consumed(self, node: Node, treatment: str, port: str, name: str) -> Sequence[TraceStep]:
        run_id = node.id.run_id
        spec = self.tracing.known.spec(run_id, name)
        consumer = self.tracing.known.treatment(run_id, name)
        if spec is None or (consumer is not None and consumer.kept_from):
            return ()  # a treatment that a rerun reused did not run there
        steps = [
            self._used(node, name, input_spec.port, RECORDED, node.part)
            for input_spec in spec.inputs
            if (input_spec.source_treatment, input_spec.source_port) == (treatment, port)
        ]
        if spec.kind is TreatmentKind.EACH and node.part is not None and node.part.line is not None:
            element = instance_name(name, node.part.line - 1)
            if any(input_spec.port == spec.each and input_spec.source_port == port for input_spec in spec.inputs):
                steps.append(self._used(node, element, spec.each or "", Mapped(Basis.CONSTRUCTED), None))
        if treatment in spec.instances or (spec.kind is TreatmentKind.EACH and in_group(treatment, name)):
            steps.append(self._used(node, name, port, Mapped(Basis.CONSTRUCTED), None))
        return steps

    def _used(self, node: Node, consumer: str, port: str, mapped: Mapped, part: ValuePart | None) -> TraceStep:
        by = treatment_node(node.id.run_id, consumer, port, part)
        return TraceStep(
            Link(
                effect=by.id,
                cause=node.id,
                kind=LinkKind.USED,
                basis=mapped.basis,
                port=port,
                note=mapped.note,
                effect_part=None,
                cause_part=node.part,
            ),
            by,
        )

    def _in_following_run(self, node: Node, treatment: str, port: str, run: FollowingRun) -> TraceStep | None:
        later = self.tracing.known.run(run.run_id)
        if later is None or later.melodium is not None:
            return None  # an engine's inputs are listed with the arrivals of values
        if run.how == "started" and run.treatment is None:
            return self._handed_over(node, treatment, port, run)
        value = self.tracing.known.value(run.run_id, treatment, port)
        if value is None or value.kept_from is None:
            return None
        reused = value_node(run.run_id, treatment, port, node.part)
        note = "taken over by the later run"
        return TraceStep(
            Link(
                effect=reused.id,
                cause=node.id,
                kind=LinkKind.DERIVED_FROM,
                basis=Basis.RECORDED,
                port=port,
                note=note,
                effect_part=node.part,
                cause_part=node.part,
            ),
            reused,
        )

    def _handed_over(self, node: Node, treatment: str, port: str, run: FollowingRun) -> TraceStep | None:
        """Returns the step to a run that this run's end started, which receives the small values of its blocks."""
        value = self.tracing.known.value(node.id.run_id, treatment, port)
        if value is None or value.flow != "block" or value.size > LARGEST_VALUE:
            return None
        later = run_node(run.run_id)
        note = "was there for the parameters of the run that this run's end started"
        return TraceStep(
            Link(effect=later.id, cause=node.id, kind=LinkKind.USED, basis=Basis.TEMPORAL, port=None, note=note), later
        )

    def _of_treatment(self, node: Node) -> Sequence[_Maker]:
        run_id, name = node.id.run_id, node.id.name
        spec = self.tracing.known.spec(run_id, name)
        if spec is None:
            return ()
        outputs = [output for output in spec.outputs if output.type != "void"]
        if spec.kind in (TreatmentKind.GATHER, TreatmentKind.EACH) and node.port not in {None, spec.each}:
            outputs = [output for output in outputs if port_of_instances(output.port) == node.port]
        self.tracing.known.load_values((run_id, name, output.port) for output in outputs)
        makers: list[_Maker] = [partial(self._output, node, spec, output) for output in outputs]
        if spec.kind is TreatmentKind.TRIGGER:
            makers.append(partial(self._started, node))
        if spec.kind is TreatmentKind.EACH and node.port == spec.each and node.part is None:
            makers += [
                partial(self._instance, node, instance) for instance in instance_names(self.tracing, run_id, spec)
            ]
        makers += [partial(self._saved, node, use) for use in self._saves(run_id, spec)]
        return makers

    def _output(self, node: Node, spec: TreatmentSpec, output: OutputSpec) -> TraceStep:
        value = self.tracing.known.value(node.id.run_id, spec.name, output.port)
        mapped = RECORDED
        if value is not None and node.part is not None and node.port is not None and spec.kind is TreatmentKind.COMMAND:
            mapped = self.tracing.mapping.to_output(node.id.run_id, spec, node.port, node.part, value)
        note = "this piece of it was not passed on" if mapped.absent else mapped.note
        sent = value_node(node.id.run_id, spec.name, output.port, mapped.part)
        link = Link(
            effect=sent.id,
            cause=node.id,
            kind=LinkKind.GENERATED_BY,
            basis=mapped.basis,
            port=output.port,
            note=note,
            effect_part=mapped.part,
            cause_part=node.part,
        )
        return TraceStep(link, sent, last=mapped.absent)

    def _instance(self, node: Node, name: str) -> TraceStep:
        instance = treatment_node(node.id.run_id, name)
        return TraceStep(
            Link(effect=instance.id, cause=node.id, kind=LinkKind.INSTANCE_OF, basis=Basis.CONSTRUCTED), instance
        )

    def _started(self, node: Node) -> TraceStep | None:
        run = self.tracing.known.run(node.id.run_id)
        child = child_run_id(run, node.id.name) if run else None
        if child is None or self.tracing.known.run(child) is None:
            return None
        started = run_node(child)
        return TraceStep(Link(effect=started.id, cause=node.id, kind=LinkKind.STARTED_BY), started)

    def _saves(self, run_id: str, spec: TreatmentSpec) -> Sequence[CacheUse]:
        treatment = self.tracing.known.treatment(run_id, spec.name)
        if not spec.caches or treatment is None:
            return ()
        return self.tracing.caches.saved(ids.runner_id(run_id, spec.name, treatment.attempt))

    def _saved(self, node: Node, use: CacheUse) -> TraceStep:
        entry = cache_node(use)
        return TraceStep(Link(effect=entry.id, cause=node.id, kind=LinkKind.GENERATED_BY), entry)

    def _of_cache(self, node: Node, position: str | None) -> Steps:
        known = self.tracing.known
        restores = self.tracing.caches.restores_of(known.organization, known.project, node.id.name, FAN, position)
        steps = []
        for use in restores.items:
            by = treatment_node(use.run_id, use.treatment)
            note = None if use.asked == use.key else f"asked for {use.asked}"
            steps.append(TraceStep(Link(effect=by.id, cause=node.id, kind=LinkKind.USED, note=note), by))
        return Steps(steps, restores.after)

    def _of_run(self, node: Node, position: str | None) -> Steps:
        """Returns the steps to all its treatments, which receive its parameters; which of them use these is unknown."""
        treatments = self.tracing.known.stores.treatments.page_of_treatments(node.id.run_id, FAN, position)
        steps = []
        for treatment in treatments.items:
            of = treatment_node(node.id.run_id, treatment.name)
            steps.append(
                TraceStep(Link(effect=of.id, cause=node.id, kind=LinkKind.PART_OF, basis=Basis.TEMPORAL), of, last=True)
            )
        return Steps(steps, treatments.after)

    def _of_line(self, node: Node) -> Sequence[_Maker]:
        name = str(node.facts["treatment"])
        spec = self.tracing.known.spec(node.id.run_id, name)
        outputs = [output for output in spec.outputs if output.type != "void"] if spec else []
        self.tracing.known.load_values((node.id.run_id, name, output.port) for output in outputs)
        return [partial(self._beside_line, node, name, output) for output in outputs]

    def _beside_line(self, node: Node, name: str, output: OutputSpec) -> TraceStep:
        value = self.tracing.known.value(node.id.run_id, name, output.port)
        same_text = self.tracing.mapping.text_in(value, str(node.facts["text"])) if value else None
        mapped = same_text or Mapped(
            Basis.TEMPORAL, note="sent by the same treatment; what of it came after the line is not known"
        )
        sent = value_node(node.id.run_id, name, output.port, mapped.part)
        return TraceStep(
            Link(
                effect=sent.id,
                cause=node.id,
                kind=LinkKind.DERIVED_FROM,
                basis=mapped.basis,
                port=output.port,
                note=mapped.note,
                effect_part=mapped.part,
            ),
            sent,
        )
