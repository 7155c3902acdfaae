"""Makes instances of an `each` treatment as the elements of its value become known."""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.scheduling.each_items import BadItem, EachItems, Flowing, SourceBroke, position
from cadence.application.shared.ports import Clock
from cadence.application.shared.run_ports import MOST_ADDED, GroupStore, Machines, RunStore, TreatmentStore
from cadence.domain.pipelines.specification import TreatmentKind, TreatmentSpec
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState
from cadence.domain.scheduling.group import (
    DEFAULT_PARALLEL,
    MOST_ELEMENTS,
    EachProgress,
    chained,
    instance_name,
    instance_of,
)
from cadence.domain.shared.errors import Conflict, Transient

_ROUNDS = 50


@dataclass(frozen=True, kw_only=True)
class ExpandEach:
    """Makes the instances of `each` treatments.

    Every call reads the stored progress and goes on from it, so that repeated and simultaneous calls do no harm.
    """

    runs: RunStore
    treatments: TreatmentStore
    groups: GroupStore
    elements: EachItems
    machines: Machines
    clock: Clock

    def keep_token(self, run_id: str, group: str, token: str) -> EachProgress:
        """Keeps the token of the group's machine, which is answered when all instances are made and have settled.

        Raises Transient if others keep changing the progress.
        """
        for _ in range(_ROUNDS):
            growth = self.groups.get_growth(run_id, group)
            try:
                return self.groups.save_growth(growth, dataclasses.replace(growth, token=token))
            except Conflict:
                continue
        raise Transient(f"group {group} is being changed by others")

    def close(self, run_id: str, group: str) -> EachProgress:
        """Stops making instances; returns the progress. Raises Transient if others keep changing it."""
        for _ in range(_ROUNDS):
            growth = self.groups.get_growth(run_id, group)
            if growth.closed:
                return growth
            try:
                return self.groups.save_growth(growth, dataclasses.replace(growth, closed=True))
            except Conflict:
                continue
        raise Transient(f"group {group} is being changed by others")

    def finished(self, run_id: str, group: str) -> bool:
        """Whether all instances are made and have settled."""
        growth = self.groups.get_growth(run_id, group)
        return growth.closed and self.treatments.get_treatment(run_id, group).waiting == 0

    def expand(self, run_id: str, group: str) -> EachProgress:
        """Makes the instances that can be made now; returns the progress.

        Raises Transient if others keep changing it.
        """
        spec = self.treatments.get_spec(run_id, group)
        for _ in range(_ROUNDS):
            # The progress is read first: the count under way can then only shrink, so that never too many are made.
            growth = self.groups.get_growth(run_id, group)
            stored = self.treatments.get_treatment(run_id, group)
            if stored.state.final or (growth.closed and stored.waiting == 0):
                self._answer(growth)
                return growth
            if stored.state is not TreatmentState.RUNNING or self.runs.get_run(run_id).stop_requested:
                return growth
            self._start(growth)
            try:
                if not self._go_on(growth, stored, spec):
                    return growth
            except Conflict:
                continue
        raise Transient(f"group {group} is being changed by others")

    def _go_on(self, seen: EachProgress, group: Treatment, spec: TreatmentSpec) -> bool:
        """Returns whether there may be more to do at once."""
        after, specs = self._next(seen, group, spec)
        if specs:
            self.groups.add_instances(seen, after, specs, self.clock())
            return True
        if after == seen:
            return False
        self.groups.save_growth(seen, after)
        return after.closed or after.epoch != seen.epoch

    def _next(
        self, seen: EachProgress, group: Treatment, spec: TreatmentSpec
    ) -> tuple[EachProgress, Sequence[TreatmentSpec]]:
        after = dataclasses.replace(seen, started=seen.made)
        room = min(MOST_ADDED, (spec.parallel or DEFAULT_PARALLEL) - group.waiting)
        if seen.closed or room <= 0:
            return after, ()
        try:
            source = self.elements.source(group, spec)
        except SourceBroke as error:
            return dataclasses.replace(after, closed=True, failure=str(error), lost=True), ()
        except BadItem as error:
            return dataclasses.replace(after, closed=True, failure=str(error)), ()
        if source is None:
            return after, ()
        if seen.epoch not in {0, source.epoch} and seen.made:
            return self._begun_anew(after, source), ()
        return self._take(dataclasses.replace(after, epoch=source.epoch), source, spec, room)

    def _take(
        self, growth: EachProgress, source: Flowing, spec: TreatmentSpec, room: int
    ) -> tuple[EachProgress, Sequence[TreatmentSpec]]:
        specs: list[TreatmentSpec] = []
        sequence, offset = position(growth, source)
        try:
            # Reads one more than there is room for, to see whether that was all.
            for element in self.elements.after(source, sequence, offset):
                if len(specs) == room:
                    return growth, specs
                if growth.made == MOST_ELEMENTS:
                    failure = f"there are more than {MOST_ELEMENTS:,} elements"
                    return dataclasses.replace(growth, closed=True, failure=failure), specs
                literal = self.elements.literal(spec, element.line)
                specs.append(instance_of(spec, growth.made, literal))
                growth = dataclasses.replace(
                    growth,
                    made=growth.made + 1,
                    sequence=element.sequence,
                    offset=element.offset,
                    digest=chained(growth.digest, element.line),
                )
        except BadItem as error:
            failure = f"element {growth.made + 1}: {error}"
            return dataclasses.replace(growth, closed=True, failure=failure), specs
        return dataclasses.replace(growth, closed=source.ended), specs

    def _begun_anew(self, growth: EachProgress, source: Flowing) -> EachProgress:
        """Compares the elements that the producer sends in another attempt with those already made into instances."""
        digest, compared, resumed = "", 0, growth
        try:
            for element in itertools.islice(self.elements.after(source, 0, 0), growth.made):
                digest, compared = chained(digest, element.line), compared + 1
                resumed = dataclasses.replace(growth, sequence=element.sequence, offset=element.offset)
        except BadItem as error:
            return dataclasses.replace(growth, closed=True, failure=f"element {compared + 1}: {error}")
        if compared < growth.made and not source.ended:
            return growth
        if digest != growth.digest:
            failure = f"its source started again and did not send the same first {growth.made} elements"
            return dataclasses.replace(growth, closed=True, failure=failure, lost=True)
        return dataclasses.replace(resumed, epoch=source.epoch)

    def _start(self, growth: EachProgress) -> None:
        """Starts the machines of the instances that may not have been started yet."""
        for number in range(growth.started, growth.made):
            self.machines.start_treatment(growth.run_id, instance_name(growth.group, number), TreatmentKind.COMMAND)

    def _answer(self, growth: EachProgress) -> None:
        if growth.token:
            self.machines.succeed(growth.token, {"next": "again"})
