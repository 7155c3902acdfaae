"""Traces one step from an effect to its causes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cadence.application.provenance.elements import ElementSource, gathered_from
from cadence.application.provenance.mapping import Mapped
from cadence.application.provenance.origins import run_origins
from cadence.application.provenance.steps import (
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
from cadence.domain.pipelines.specification import InputSpec, TreatmentKind, TreatmentSpec
from cadence.domain.provenance.graph import Basis, Link, LinkKind, Node, NodeKind
from cadence.domain.shared import ids
from cadence.domain.values.cache import CacheUse

_Maker = Callable[[], TraceStep | None]


@dataclass
class Backward:
    """Finds the causes of a node."""

    tracing: Tracing

    def trace(self, node: Node, position: str | None) -> Steps:
        """Returns the steps to a node's causes, from `position` on."""
        match node.id.kind:
            case NodeKind.VALUE:
                return Steps([self._of_value(node)])
            case NodeKind.TREATMENT:
                return page(self._of_treatment(node), position)
            case NodeKind.CACHE:
                return Steps(self._of_cache(node))
            case NodeKind.RUN:
                return page(run_origins(self.tracing, node), position)
            case NodeKind.LINE:
                return page(self._of_line(node), position)
            case NodeKind.PIPELINE:
                return Steps([])

    def _of_value(self, node: Node) -> TraceStep:
        treatment, port = owner(node.id)
        value = self.tracing.known.value(node.id.run_id, treatment, port)
        if value and value.kept_from:
            source = value_node(value.kept_from, treatment, port, node.part)
            note = "taken over from the earlier run"
            link = Link(
                effect=node.id,
                cause=source.id,
                kind=LinkKind.DERIVED_FROM,
                basis=Basis.RECORDED,
                port=port,
                note=note,
                effect_part=node.part,
                cause_part=node.part,
            )
            return TraceStep(link, source)
        if value and value.origin:
            origin = value.origin
            source = value_node(origin.run_id, origin.treatment, origin.port, node.part)
            note = self._came_from(node.id.run_id, origin.run_id)
            link = Link(
                effect=node.id,
                cause=source.id,
                kind=LinkKind.DERIVED_FROM,
                basis=Basis.RECORDED,
                port=port,
                note=note,
                effect_part=node.part,
                cause_part=node.part,
            )
            return TraceStep(link, source)
        maker = treatment_node(node.id.run_id, treatment, port, node.part)
        return TraceStep(
            Link(effect=node.id, cause=maker.id, kind=LinkKind.GENERATED_BY, port=port, effect_part=node.part), maker
        )

    def _came_from(self, run_id: str, origin: str) -> str:
        if origin == run_id:
            return "passed on as it was"
        run = self.tracing.known.run(run_id)
        return "from another engine" if run and run.melodium else "taken over from the earlier run"

    def _of_treatment(self, node: Node) -> Sequence[_Maker]:
        run_id, name = node.id.run_id, node.id.name
        spec = self.tracing.known.spec(run_id, name)
        if spec is None:
            return ()
        mapped = self._mapped(node, spec)
        gathered = (
            gathered_from(self.tracing, node, spec) if spec.kind in (TreatmentKind.GATHER, TreatmentKind.EACH) else ()
        )
        if node.part is not None and len(gathered) == 1 and spec.each:
            mapped.pop(spec.each, None)  # the one instance leads to its element of it
        makers: list[_Maker] = []
        makers += [
            partial(self._input, node, input_spec, mapped[input_spec.port])
            for input_spec in spec.inputs
            if input_spec.port in mapped
        ]
        makers += [
            partial(self._literal, node, spec, input_spec)
            for input_spec in spec.inputs
            if input_spec.literal is not None
        ]
        makers += [partial(self._instance, node, *each) for each in gathered]
        makers += [partial(self._cache, node, use) for use in self._restored(run_id, spec)]
        makers += [partial(self._waited_for, node, other) for other in (*spec.after, *spec.when_over)]
        makers.append(partial(self._part_of, node))
        return makers

    def _mapped(self, node: Node, spec: TreatmentSpec) -> dict[str, Mapped]:
        self.tracing.known.load_values(
            (node.id.run_id, input_spec.source_treatment, input_spec.source_port)
            for input_spec in spec.inputs
            if input_spec.source_treatment and input_spec.source_port
        )
        if node.until is not None:
            return dict(self.tracing.mapping.given_by(node.id.run_id, spec, node.until))
        return dict(self.tracing.mapping.to_inputs(node.id.run_id, spec, node.port or "", node.part))

    def _input(self, node: Node, input_spec: InputSpec, mapped: Mapped) -> TraceStep:
        source = value_node(
            node.id.run_id, input_spec.source_treatment or "", input_spec.source_port or "", mapped.part
        )
        link = Link(
            effect=node.id,
            cause=source.id,
            kind=LinkKind.USED,
            basis=mapped.basis,
            port=input_spec.port,
            note=mapped.note,
            effect_part=node.part,
            cause_part=mapped.part,
        )
        return TraceStep(link, source)

    def _literal(self, node: Node, spec: TreatmentSpec, input_spec: InputSpec) -> TraceStep | None:
        """Returns the step to the value that an instance's element came from; None for a literal of the document."""
        source = ElementSource.of(self.tracing, node.id.run_id, spec, input_spec)
        if source is None:
            return None
        part, note = source.element()
        value = value_node(node.id.run_id, source.treatment, source.port, part)
        link = Link(
            effect=node.id,
            cause=value.id,
            kind=LinkKind.USED,
            basis=Basis.CONSTRUCTED,
            port=input_spec.port,
            note=note,
            effect_part=node.part,
            cause_part=part,
        )
        return TraceStep(link, value)

    def _instance(self, node: Node, port: tuple[str, str, Mapped], note: str | None) -> TraceStep:
        name, of, mapped = port
        value = value_node(node.id.run_id, name, of, mapped.part)
        link = Link(
            effect=node.id,
            cause=value.id,
            kind=LinkKind.USED,
            basis=mapped.basis,
            port=name,
            note=note,
            effect_part=node.part,
            cause_part=mapped.part,
        )
        return TraceStep(link, value)

    def _restored(self, run_id: str, spec: TreatmentSpec) -> Sequence[CacheUse]:
        treatment = self.tracing.known.treatment(run_id, spec.name)
        if not spec.caches or treatment is None:
            return ()
        return self.tracing.caches.restored(ids.runner_id(run_id, spec.name, treatment.attempt))

    def _cache(self, node: Node, use: CacheUse) -> TraceStep:
        entry = cache_node(use)
        note = None if use.asked == use.key else f"asked for {use.asked}"
        return TraceStep(Link(effect=node.id, cause=entry.id, kind=LinkKind.USED, note=note), entry)

    def _waited_for(self, node: Node, other: str) -> TraceStep:
        before = treatment_node(node.id.run_id, other)
        return TraceStep(Link(effect=node.id, cause=before.id, kind=LinkKind.WAITED_FOR), before, last=True)

    def _part_of(self, node: Node) -> TraceStep:
        run = run_node(node.id.run_id)
        return TraceStep(Link(effect=node.id, cause=run.id, kind=LinkKind.PART_OF), run)

    def _of_cache(self, node: Node) -> Sequence[TraceStep]:
        maker = node.facts["maker"]
        if maker is None or self.tracing.known.run(maker.run_id) is None:
            return ()
        made_by = treatment_node(maker.run_id, maker.treatment)
        note = f"attempt {maker.attempt}" if maker.attempt > 1 else None
        return [TraceStep(Link(effect=node.id, cause=made_by.id, kind=LinkKind.GENERATED_BY, note=note), made_by)]

    def _of_line(self, node: Node) -> Sequence[_Maker]:
        name = str(node.facts["treatment"])
        writer = treatment_node(node.id.run_id, name)
        writer.until = node.facts["time"]
        link = Link(
            effect=node.id, cause=writer.id, kind=LinkKind.GENERATED_BY, note=f"attempt {node.facts['attempt']}"
        )
        makers: list[_Maker] = [lambda: TraceStep(link, writer)]
        spec = self.tracing.known.spec(node.id.run_id, name)
        fed = (
            [input_spec for input_spec in spec.inputs if input_spec.source_treatment and input_spec.source_port]
            if spec
            else []
        )
        makers += [partial(self._same_text, node, input_spec) for input_spec in fed]
        return makers

    def _same_text(self, node: Node, input_spec: InputSpec) -> TraceStep | None:
        text = str(node.facts["text"])
        mapped = self.tracing.mapping.with_text(node.id.run_id, input_spec, text)
        if mapped is None or mapped.part is None:
            return None
        value = value_node(node.id.run_id, input_spec.source_treatment or "", input_spec.source_port or "", mapped.part)
        link = Link(
            effect=node.id,
            cause=value.id,
            kind=LinkKind.DERIVED_FROM,
            basis=mapped.basis,
            port=input_spec.port,
            note=mapped.note,
            effect_part=None,
            cause_part=mapped.part,
        )
        return TraceStep(link, value)
