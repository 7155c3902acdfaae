"""States of treatments as a query asks for them: of many lines, mostly of the same few treatments."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from cadence.domain.runs.run import Treatment
from cadence.domain.shared.errors import NotFound

_REMEMBERED = 10_000


class TreatmentReader(Protocol):
    def get_treatment(self, run_id: str, treatment: str) -> Treatment:
        """Raises NotFound."""


@dataclass
class TreatmentStates:
    """A `matching.StateOf`. Final states, which never change, are remembered; make `within()` for each request."""

    treatments: TreatmentReader
    _final: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)

    def of(self, run_id: str, treatment: str) -> str:
        key = (run_id, treatment)
        if key in self._final:
            return self._final[key]
        try:
            state = self.treatments.get_treatment(run_id, treatment).state
        except NotFound:
            return ""
        if state.final:
            self._final[key] = state.value
            if len(self._final) > _REMEMBERED:
                self._final.popitem(last=False)
        return state.value

    def within(self) -> "_States":
        """The same for one request: what it has once found out stays as it is until the request ends."""
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
