"""Compares two runs: the first treatment where they part, and what each has that the other has not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from cadence.domain.pipelines.specification import in_group
from cadence.domain.replay.run_sides import PortDiff, RunSide, definition_diffs, input_diffs, output_diffs
from cadence.domain.runs import outcome_text
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.run_variables import used_variables
from cadence.domain.runs.states import TreatmentState
from cadence.domain.runs.treatment_order import in_order, producers_of

# Ends that something else caused.
_STOPPED = frozenset({TreatmentState.CANCELLED, TreatmentState.SKIPPED, TreatmentState.LOST})


class DiffStanding(StrEnum):
    """What the comparison says of one treatment."""

    SAME = "same"
    DIFFERS = "differs"  # although what other treatments sent to it does not explain it
    FOLLOWS = "follows"  # since a treatment that it depends on differs
    STOPPED = "stopped"  # it was cancelled, skipped or lost in one of the runs
    UNKNOWN = "unknown"  # what it read or sent cannot be compared
    OPEN = "open"  # it has not ended in both runs


@dataclass(frozen=True, kw_only=True)
class TreatmentDiff:
    """One treatment of both runs. `inputs` and `outputs` are those that differ or cannot be compared.

    `definition` are the names of what differs in its specification, `variables` those of the run's parameters and event
    that its script reads and that differ.
    """

    name: str
    standing: DiffStanding
    then: Treatment
    now: Treatment
    inputs: tuple[PortDiff, ...] = ()
    outputs: tuple[PortDiff, ...] = ()
    definition: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def ended_otherwise(self) -> bool:
        """Whether its state or its exit code differs."""
        return _ending(self.then) != _ending(self.now)

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs of what it was given, in words."""
        inputs = [f"input {port.port}" for port in self.inputs if port.known]
        definition = [f"its definition ({', '.join(self.definition)})"] if self.definition else []
        return (*inputs, *definition, *(f"${name}" for name in self.variables))

    def words(self) -> str:
        """Returns in one sentence how it parts from the other run."""
        if self.standing is DiffStanding.OPEN:
            return f"{self.name} has not ended in both runs."
        changed = _listed(self.changes)
        if self.standing is DiffStanding.SAME:
            return f"{self.name}: {changed} changed, its results did not." if changed else f"{self.name} is the same."
        if self.ended_otherwise:
            result = f"it {_ended(self.then)} then, and {_ended(self.now)} now"
        else:
            differing = [port.port for port in self.outputs if port.known]
            result = f"output {_listed(differing)} differs" if differing else "its outputs cannot be compared"
        if self.standing is DiffStanding.UNKNOWN:
            return f"{self.name}: {result}; not all that it read or sent can be compared."
        if self.standing is DiffStanding.DIFFERS and not changed:
            return f"{self.name}: its inputs are equal, but {result}."
        return f"{self.name}: {changed} changed, and {result}." if changed else f"{self.name}: {result}."


@dataclass(frozen=True, kw_only=True)
class RunDiff:
    """The comparison of two runs. `treatments` are those of both, each after those that it depends on."""

    treatments: tuple[TreatmentDiff, ...]
    only_then: tuple[str, ...]
    only_now: tuple[str, ...]

    @cached_property
    def divergence(self) -> TreatmentDiff | None:
        """The first treatment that differs by itself; else the first that was stopped, or is not known."""
        for standing in (DiffStanding.DIFFERS, DiffStanding.STOPPED, DiffStanding.UNKNOWN):
            for treatment in self.treatments:
                if treatment.standing is standing:
                    return treatment
        return None

    @cached_property
    def ending(self) -> TreatmentDiff | None:
        """The first treatment that ended otherwise, and was stopped in neither run."""
        return next(
            (
                treatment
                for treatment in self.treatments
                if treatment.ended_otherwise
                and treatment.standing is not DiffStanding.OPEN
                and not {treatment.then.state, treatment.now.state} & _STOPPED
            ),
            None,
        )

    def count(self, standing: DiffStanding) -> int:
        """Returns how many treatments have this standing."""
        return sum(treatment.standing is standing for treatment in self.treatments)

    def words(self) -> str:
        """Returns the result in one sentence."""
        if self.divergence:
            return self.divergence.words()
        if not self.treatments:
            return "The runs have no treatment in common."
        if waiting := self.count(DiffStanding.OPEN):
            return f"No difference so far: {waiting} of {len(self.treatments)} treatments have not ended in both runs."
        count = len(self.treatments)
        return f"No difference: {count} treatment{'s' * (count != 1)} gave the same results in both runs."


def unequal_results(then: RunSide, now: RunSide) -> Sequence[str]:
    """Returns the treatments of both runs that ended otherwise, or that did not send the same."""
    return [
        name
        for name in sorted(then.treatments.keys() & now.treatments.keys())
        if _ending(then.treatments[name]) != _ending(now.treatments[name]) or output_diffs(then, now, name)
    ]


def run_diff(then: RunSide, now: RunSide) -> RunDiff:
    """Compares two runs."""
    common = then.treatments.keys() & now.treatments.keys()
    producers = producers_of(now.specs.values())
    changed = {
        name
        for name in then.variables.keys() | now.variables.keys()
        if then.variables.get(name) != now.variables.get(name)
    }
    found: dict[str, TreatmentDiff] = {}
    for name in in_order(common, producers):
        found[name] = _compared(
            name, then, now, changed, [found[one] for one in producers.get(name, ()) if one in found]
        )
    return RunDiff(
        treatments=tuple(found.values()),
        only_then=tuple(sorted(then.treatments.keys() - common)),
        only_now=tuple(sorted(now.treatments.keys() - common)),
    )


def _compared(
    name: str, then: RunSide, now: RunSide, changed: Collection[str], producers: Sequence[TreatmentDiff]
) -> TreatmentDiff:
    old, new = then.specs.get(name), now.specs.get(name)
    diff = TreatmentDiff(
        name=name,
        standing=DiffStanding.UNKNOWN,
        then=then.treatments[name],
        now=now.treatments[name],
        inputs=input_diffs(then, now, old, new) if old and new else (),
        outputs=output_diffs(then, now, name),
        definition=definition_diffs(old, new) if old and new else (),
        variables=used_variables(new, changed) if new else (),
    )
    return replace(diff, standing=_standing(diff, producers, is_specified=bool(old and new)))


def _standing(diff: TreatmentDiff, producers: Sequence[TreatmentDiff], *, is_specified: bool) -> DiffStanding:
    if not (diff.then.state.final and diff.now.state.final):
        return DiffStanding.OPEN
    if not diff.ended_otherwise and not any(port.known for port in diff.outputs):
        return DiffStanding.UNKNOWN if diff.outputs else DiffStanding.SAME
    if _is_explained(diff, producers):
        return DiffStanding.FOLLOWS
    if diff.ended_otherwise and {diff.then.state, diff.now.state} & _STOPPED:
        return DiffStanding.STOPPED
    is_certain = is_specified and (bool(diff.changes) or all(port.known for port in diff.inputs))
    return DiffStanding.DIFFERS if is_certain else DiffStanding.UNKNOWN


def _is_explained(diff: TreatmentDiff, producers: Sequence[TreatmentDiff]) -> bool:
    """Returns whether a treatment that this one depends on ended otherwise, or sent to it what differs."""
    differing = {one.name for one in producers if one.standing is not DiffStanding.SAME}
    if any(one.ended_otherwise for one in producers if one.name in differing):
        return True
    fed = {port.now_source.rpartition(".")[0] for port in diff.inputs if port.now_source and port.known}
    return bool(differing & fed) or any(in_group(name, diff.name) for name in differing)


def _ending(treatment: Treatment) -> tuple[TreatmentState, int | None]:
    return treatment.state, treatment.exit_code


def _ended(treatment: Treatment) -> str:
    code = f" with exit code {treatment.exit_code}" if treatment.exit_code else ""
    return f"{outcome_text.PAST.get(treatment.state, f'was {treatment.state}')}{code}"


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
