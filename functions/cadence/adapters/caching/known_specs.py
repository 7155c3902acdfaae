"""Specifications of treatments, which never change, kept by a process."""

from collections import OrderedDict

from cadence.application.shared.runner_ports import Specs
from cadence.domain.pipelines.specification import TreatmentSpec

_MOST = 512


class KnownSpecs:
    """Implements `Specs`; `note` adds one that was read elsewhere, so that it need not be read again."""

    def __init__(self, read: Specs, most: int = _MOST) -> None:
        self._read, self._most = read, most
        self._known: OrderedDict[tuple[str, str], TreatmentSpec] = OrderedDict()

    def __call__(self, run_id: str, treatment: str) -> TreatmentSpec:
        known = self._known.get((run_id, treatment))
        if known is None:
            return self.note(run_id, self._read(run_id, treatment))
        self._known.move_to_end((run_id, treatment))
        return known

    def note(self, run_id: str, spec: TreatmentSpec) -> TreatmentSpec:
        """Keeps a specification and returns it."""
        self._known[run_id, spec.name] = spec
        self._known.move_to_end((run_id, spec.name))
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return spec
