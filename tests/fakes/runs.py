"""`RunStore`, `TreatmentStore`, `EdgeStore`, `ValueStore` and `GroupStore` in memory."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import TreatmentContext
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs import history
from cadence.domain.runs.edge import Edge, EdgeState, Trigger
from cadence.domain.runs.history import StateChange
from cadence.domain.runs.run import Run, Treatment, Value, is_element
from cadence.domain.runs.states import RunState, TreatmentState
from cadence.domain.scheduling.group import EachProgress, InstanceSlots
from cadence.domain.shared.errors import Conflict, NotFound

NOW = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)

EdgeKey = tuple[str, str, str, Trigger]


def a_run(run_id: str = "01a", organization: str = "acme", project: str = "site") -> Run:
    return Run(
        run_id=run_id,
        organization=organization,
        project=project,
        pipeline="build",
        state=RunState.PENDING,
        created_at=NOW,
        document_sha256="d" * 64,
        plan_sha256="e" * 64,
        pipeline_version=7,
        parameters={"ref": "main", "ratio": 0.1, "none": None, "deep": {"list": [1, 2.5]}},
        event={"kind": "push"},
        max_duration=600,
        created_by="alice",
    )


class MemoryRunStore:
    """Each call is atomic. `published` holds every value ever put, in order."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.specs: dict[tuple[str, str], TreatmentSpec] = {}
        self.treatments: dict[tuple[str, str], Treatment] = {}
        self.edges: dict[EdgeKey, Edge] = {}
        self.unsettled: dict[str, int] = {}
        self.values: dict[tuple[str, str, str], Value] = {}
        self.published: list[Value] = []
        self.growths: dict[tuple[str, str], EachProgress] = {}
        self.places: dict[tuple[str, str], InstanceSlots] = {}

    def create_run(self, run: Run) -> None:
        if run.run_id in self.runs:
            raise Conflict(f"run {run.run_id} exists")
        self.runs[run.run_id] = run

    def get_run(self, run_id: str) -> Run:
        try:
            return self.runs[run_id]
        except KeyError:
            raise NotFound(f"there is no run {run_id}") from None

    def count_unsettled(self, run_id: str) -> int | None:
        return self.unsettled.get(run_id)

    def get_runs(self, run_ids: Iterable[str]) -> Mapping[str, Run]:
        return {run_id: self.runs[run_id] for run_id in run_ids if run_id in self.runs}

    def list_runs(self, organization: str, project: str, limit: int, after: str | None) -> Page[Run]:
        found = [
            run
            for run in sorted(self.runs.values(), key=lambda run: run.position, reverse=True)
            if (run.organization, run.project) == (organization, project) and (after is None or run.position < after)
        ]
        page = found[:limit]
        return Page(page, page[-1].position if len(found) > limit else None)

    def admit(
        self, run_id: str, specs: Sequence[TreatmentSpec], treatments: Sequence[Treatment], edges: Sequence[Edge]
    ) -> bool:
        self.get_run(run_id)
        known = self.edges.keys() | self.treatments.keys()
        self.unsettled.setdefault(run_id, sum(not t.state.final for t in treatments))
        for spec in specs:
            self.specs.setdefault((run_id, spec.name), spec)
            if spec.kind is TreatmentKind.GATHER and spec.parallel:
                self.places.setdefault((run_id, spec.name), InstanceSlots(spec.parallel))
        for edge in edges:
            self.edges.setdefault(_key(edge), edge)
        for treatment in treatments:
            self.treatments.setdefault((run_id, treatment.name), treatment)
        return known.isdisjoint({*map(_key, edges), *((run_id, treatment.name) for treatment in treatments)})

    def begin_run(self, run_id: str, machine_token: str, at: datetime) -> Run:
        run = dataclasses.replace(self.get_run(run_id), machine_token=machine_token)
        if run.state is RunState.PENDING:
            run = dataclasses.replace(run, state=RunState.RUNNING, started_at=at, waiting_for=None)
        self.runs[run_id] = run
        return run

    def keep_waiting_token(self, run_id: str, token: str) -> Run:
        self.runs[run_id] = dataclasses.replace(self.get_run(run_id), waiting_token=token)
        return self.runs[run_id]

    def note_waiting(self, run_id: str, what: str, state: RunState = RunState.PENDING) -> Run:
        run = self.get_run(run_id)
        if run.state is not state:
            raise Conflict(f"run {run_id} is no longer as it was read")
        self.runs[run_id] = dataclasses.replace(run, waiting_for=what)
        return self.runs[run_id]

    def freeze_plan(self, run_id: str, seen: str, plan_sha256: str) -> Run:
        run = self.get_run(run_id)
        if run.plan_sha256 == seen:
            self.runs[run_id] = dataclasses.replace(run, plan_sha256=plan_sha256, waiting_for=None)
        return self.runs[run_id]

    def keep_stop_token(self, run_id: str, stop_token: str) -> Run:
        self.runs[run_id] = dataclasses.replace(self.get_run(run_id), stop_token=stop_token)
        return self.runs[run_id]

    def request_stop(self, run_id: str, state: RunState, cause: str) -> Run:
        run = self.get_run(run_id)
        if run.state.final:
            raise Conflict(f"run {run_id} has already ended ({run.state})")
        if run.stop_requested is None:
            run = dataclasses.replace(run, state=RunState.CANCELLING, stop_requested=state, cause=cause)
            self.runs[run_id] = run
        return run

    def finish_run(self, seen: Run, state: RunState, cause: str | None, at: datetime, *, soft_failures: int = 0) -> Run:
        run = self.get_run(seen.run_id)
        if not run.state.final:
            if run.stop_requested is not seen.stop_requested:
                raise Conflict(f"run {run.run_id} is no longer as it was read")
            run = dataclasses.replace(
                run,
                state=state,
                cause=cause or run.cause,
                finished_at=at,
                machine_token=None,
                stop_token=None,
                waiting_for=None,
                soft_failures=soft_failures,
            )
            self.runs[run.run_id] = run
        return run

    def get_spec(self, run_id: str, treatment: str) -> TreatmentSpec:
        try:
            return self.specs[run_id, treatment]
        except KeyError:
            raise NotFound(f"run {run_id} has no treatment {treatment}") from None

    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        try:
            return self.treatments[run_id, treatment]
        except KeyError:
            raise NotFound(f"run {run_id} has no treatment {treatment}") from None

    def get_context(
        self, run_id: str, treatment: str, others: Collection[str] = (), task_token: str | None = None
    ) -> TreatmentContext:
        stored = self.get_treatment(run_id, treatment)
        known = {name: self.treatments[run_id, name] for name in others if (run_id, name) in self.treatments}
        return TreatmentContext(self.get_run(run_id), self.get_spec(run_id, treatment), stored, known, task_token)

    def list_treatments(self, run_id: str) -> Sequence[Treatment]:
        return [one for (run, _), one in sorted(self.treatments.items()) if run == run_id and not is_element(one.name)]

    def list_elements(self, run_id: str) -> Sequence[Treatment]:
        return [one for (run, _), one in sorted(self.treatments.items()) if run == run_id and is_element(one.name)]

    def list_element_specs(self, run_id: str) -> Sequence[TreatmentSpec]:
        return [spec for (run, name), spec in sorted(self.specs.items()) if run == run_id and is_element(name)]

    def put_elements(
        self, run_id: str, elements: Sequence[tuple[TreatmentSpec, Treatment]], edges: Sequence[Edge]
    ) -> None:
        for spec, treatment in elements:
            self.specs[run_id, spec.name] = spec
            self.treatments[run_id, treatment.name] = treatment
        for edge in edges:
            self.edges[_key(edge)] = edge

    def page_of_treatments(self, run_id: str, limit: int, after: str | None) -> Page[Treatment]:
        everything = [*self.list_treatments(run_id), *self.list_elements(run_id)]
        names = [one.name for one in everything]
        found = everything[names.index(after) + 1 if after else 0 :]
        page = found[:limit]
        return Page(page, page[-1].name if len(found) > limit else None)

    def request_cancel(self, run_id: str, treatment: str, reason: str) -> Treatment:
        stored = self.get_treatment(run_id, treatment)
        if not stored.state.final and stored.cancel_reason is None:
            stored = dataclasses.replace(stored, cancel_reason=reason)
            self.treatments[run_id, treatment] = stored
        return stored

    def get_treatments(self, names: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Treatment]:
        return {key: self.treatments[key] for key in names if key in self.treatments}

    def advance(
        self,
        run_id: str,
        treatment: str,
        at_attempt: int,
        source: Iterable[TreatmentState],
        target: TreatmentState,
        **changes: Any,
    ) -> Treatment:
        stored = self.treatments.get((run_id, treatment))
        if stored is None or stored.attempt != at_attempt or stored.state not in set(source):
            raise Conflict(f"treatment {treatment} is no longer as it was read")
        told = _told(stored, changes.pop("history", ()))
        moved = dataclasses.replace(stored, state=target, history=told, **changes)
        self.treatments[run_id, treatment] = moved
        return moved

    def settle(
        self,
        treatment: Treatment,
        state: TreatmentState,
        cause: str | None,
        exit_code: int | None,
        at: datetime,
        *,
        delivered: Sequence[Edge] = (),
        ready: Sequence[Treatment] = (),
        soft_failed: bool = False,
    ) -> bool:
        stored = self.get_treatment(treatment.run_id, treatment.name)
        if stored.state.final:
            return False
        if (stored.state, stored.attempt) != (treatment.state, treatment.attempt):
            raise Conflict(f"treatment {treatment.name} is no longer as it was read")
        opened = [edge for edge in delivered if edge.trigger is Trigger.OPENED]
        if any(self.edges[_key(edge)].state is not EdgeState.PENDING for edge in opened):
            raise Conflict("an edge is no longer pending")
        for seen in ready:
            consumer = self.get_treatment(seen.run_id, seen.name)
            needed = sum(edge.consumer == seen.name for edge in delivered)
            if (consumer.state, consumer.attempt, consumer.waiting) != (seen.state, seen.attempt, needed):
                raise Conflict(f"treatment {seen.name} is no longer as it was read")
        for edge in opened:
            self._mark(edge, EdgeState.DELIVERED)
        for edge in delivered:
            self._lower_count(edge)
        for number, seen in enumerate(ready):
            carried = {} if number else {"carried": 1 + treatment.carried}
            made_ready = (StateChange(at, seen.attempt, TreatmentState.READY),)
            self.advance(
                seen.run_id,
                seen.name,
                seen.attempt,
                {seen.state},
                TreatmentState.READY,
                ready_at=at,
                history=made_ready,
                **carried,
            )
        self.treatments[stored.run_id, stored.name] = dataclasses.replace(
            stored,
            state=state,
            cause=cause,
            exit_code=stored.exit_code if exit_code is None else exit_code,
            finished_at=at,
            waiting_for=None,
            soft_failed=soft_failed,
            edges_delivered=bool(delivered),
            history=_told(stored, (StateChange(at, stored.attempt, state, cause or ""),)),
        )
        if not ready:
            self.unsettled[treatment.run_id] -= 1 + treatment.carried
        return True

    def edges_from(self, run_id: str, producer: str) -> Sequence[Edge]:
        return [edge for edge in self.edges_of(run_id) if edge.producer == producer]

    def edges_of(self, run_id: str) -> Sequence[Edge]:
        return [edge for key, edge in sorted(self.edges.items()) if edge.run_id == run_id]

    def deliver(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        for edge in edges:
            if edge.state is EdgeState.PENDING and self._mark(edge, EdgeState.DELIVERED):
                self._lower_count(edge)
        return self._consumers(edges)

    def _lower_count(self, edge: Edge) -> None:
        consumer = self.treatments[edge.run_id, edge.consumer]
        self.treatments[edge.run_id, edge.consumer] = dataclasses.replace(consumer, waiting=consumer.waiting - 1)

    def bury(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        for edge in edges:
            self._mark(edge, EdgeState.DEAD)
        return self._consumers(edges)

    def put_values(self, values: Sequence[Value]) -> None:
        for value in values:
            self.values[value.run_id, value.treatment, value.port] = value
            self.published.append(value)

    def get_value(self, run_id: str, treatment: str, port: str) -> Value:
        try:
            return self.values[run_id, treatment, port]
        except KeyError:
            raise NotFound(f"{treatment}.{port} has no value in run {run_id}") from None

    def get_values(self, run_id: str, ports: Sequence[tuple[str, str]]) -> Sequence[Value]:
        return [self.values[run_id, *port] for port in ports if (run_id, *port) in self.values]

    def list_values(self, run_id: str) -> Sequence[Value]:
        return [value for (run, _, _), value in sorted(self.values.items()) if run == run_id]

    def get_growth(self, run_id: str, group: str) -> EachProgress:
        return self.growths.get((run_id, group), EachProgress(run_id=run_id, group=group))

    def save_growth(self, seen: EachProgress, after: EachProgress) -> EachProgress:
        if self.get_growth(seen.run_id, seen.group).version != seen.version:
            raise Conflict(f"group {seen.group} is no longer as it was read")
        after = dataclasses.replace(after, version=seen.version + 1)
        self.growths[seen.run_id, seen.group] = after
        return after

    def add_instances(
        self, seen: EachProgress, after: EachProgress, specs: Sequence[TreatmentSpec], at: datetime
    ) -> None:
        run, group = self.get_run(seen.run_id), self.get_treatment(seen.run_id, seen.group)
        if run.stop_requested or group.state is not TreatmentState.RUNNING:
            raise Conflict(f"group {seen.group} grows no more")
        self.save_growth(seen, after)
        self.unsettled[run.run_id] += len(specs)
        self.treatments[run.run_id, group.name] = dataclasses.replace(group, waiting=group.waiting + len(specs))
        for spec in specs:
            edge = Edge(run_id=run.run_id, producer=spec.name, consumer=group.name, trigger=Trigger.SETTLED)
            assert (run.run_id, spec.name) not in self.treatments
            self.specs[run.run_id, spec.name] = spec
            self.edges[_key(edge)] = edge
            made = (StateChange(at, 1, TreatmentState.READY),)
            instance = Treatment(
                run_id=run.run_id, name=spec.name, state=TreatmentState.READY, waiting=0, ready_at=at, history=made
            )
            self.treatments[run.run_id, spec.name] = instance

    def get_places(self, run_id: str, group: str) -> InstanceSlots:
        try:
            return self.places[run_id, group]
        except KeyError:
            raise NotFound(f"group {group} has no places") from None

    def save_places(self, run_id: str, group: str, seen: InstanceSlots, after: InstanceSlots) -> None:
        if self.places[run_id, group].version != seen.version:
            raise Conflict(f"group {group} is no longer as it was read")
        self.places[run_id, group] = dataclasses.replace(after, version=seen.version + 1)

    def _mark(self, edge: Edge, state: EdgeState) -> bool:
        stored = self.edges[_key(edge)]
        if stored.state is not EdgeState.PENDING:
            return False
        self.edges[_key(edge)] = dataclasses.replace(stored, state=state)
        return True

    def _consumers(self, edges: Sequence[Edge]) -> Sequence[Treatment]:
        return [self.treatments[key] for key in sorted({(edge.run_id, edge.consumer) for edge in edges})]


def _told(treatment: Treatment, changes: Iterable[StateChange]) -> tuple[StateChange, ...]:
    """As if each change had been written and read."""
    written = (history.decode(history.encode(change)) for change in (*treatment.history, *changes))
    return history.in_order(written, tuple(TreatmentState))


def _key(edge: Edge) -> EdgeKey:
    return edge.run_id, edge.producer, edge.consumer, edge.trigger
