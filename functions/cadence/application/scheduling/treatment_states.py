"""Caches the states of treatments for queries, which mostly need many lines of the same few treatments."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from cadence.domain.runs.run import Treatment
from cadence.domain.shared.errors import NotFound

_CACHED = 10_000


class TreatmentReader(Protocol):
    """Reads treatments."""

    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        """Returns a treatment. Raises NotFound."""


@dataclass
class TreatmentStates:
    """A `matching.StateOf`. Final states, which never change, are cached; make `within()` for each request."""

    treatments: TreatmentReader
    _final: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)

    def of(self, run_id: str, treatment: str) -> str:
        """Returns the state of a treatment, empty if it does not exist."""
        key = (run_id, treatment)
        if key in self._final:
            return self._final[key]
        try:
            state = self.treatments.get_treatment(run_id, treatment).state
        except NotFound:
            return ""
        if state.final:
            self._final[key] = state.value
            if len(self._final) > _CACHED:
                self._final.popitem(last=False)
        return state.value

    def within(self) -> "_States":
        """Returns a `matching.StateOf` for one request, in which a state stays as it was first read."""
        return _States(self)


@dataclass
class _States:
    states: TreatmentStates
    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    def __call__(self, run_id: str, treatment: str) -> str:
        key = (run_id, treatment)
        if key not in self._known:
            self._known[key] = self.states.of(run_id, treatment)
        return self._known[key]
