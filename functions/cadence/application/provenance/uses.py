"""Lists the runs that used a value."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.provenance.ports import ProvenanceStore, ValueOrigin
from cadence.application.shared.ports import Page
from cadence.application.shared.run_ports import RunStore
from cadence.application.shared.workers import Workers, several_at_once
from cadence.domain.runs.run import Run

_CONSUMERS = 50


@dataclass(frozen=True)
class Use:
    """A place where a value was sent, and its consumers; `more` if there are further ones."""

    place: ValueOrigin
    run: Run
    consumers: Sequence[str]
    more: bool


@dataclass(frozen=True)
class UsesOfValue:
    """Lists the uses of values."""

    runs: RunStore
    provenance: ProvenanceStore
    workers: Workers = several_at_once

    def list(self, organization: str, project: str, sha256: str, limit: int, after: str | None) -> Page[Use]:
        """Returns where values with this digest were sent, and their consumers, the newest run first."""
        places = self.provenance.places_of(organization, project, sha256, limit, after)
        runs = self.runs.get_runs(place.run_id for place in places.items)
        known = [place for place in places.items if place.run_id in runs]
        pages = self.workers(self._consumers, known)
        uses = [
            Use(place, runs[place.run_id], consumers.items, consumers.after is not None)
            for place, consumers in zip(known, pages, strict=True)
        ]
        return Page(uses, places.after)

    def _consumers(self, place: ValueOrigin) -> Page[str]:
        """Returns the treatments with an input that the port feeds, of all that wait for the treatment."""
        waiting = self.provenance.consumers(place.run_id, place.treatment, _CONSUMERS)
        specs = self.provenance.get_specs((place.run_id, name) for name in waiting.items)
        consumers = [
            name
            for name in waiting.items
            if (spec := specs.get((place.run_id, name)))
            and (
                place.treatment in spec.instances
                or spec.name == place.treatment.partition(":")[0]
                or any((fed.source_treatment, fed.source_port) == (place.treatment, place.port) for fed in spec.inputs)
            )
        ]
        return Page(consumers, waiting.after)
