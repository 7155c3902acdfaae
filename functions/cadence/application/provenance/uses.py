"""Which runs used a value."""

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
    """`more`: there are further consumers."""

    place: ValueOrigin
    run: Run
    consumers: Sequence[str]
    more: bool


@dataclass(frozen=True)
class UsesOfValue:
    runs: RunStore
    provenance: ProvenanceStore
    workers: Workers = several_at_once

    def list(self, organization: str, project: str, sha256: str, limit: int, after: str | None) -> Page[Use]:
        """Where values with this digest were sent and who was given them, the newest run first."""
        places = self.provenance.places_of(organization, project, sha256, limit, after)
        runs = self.runs.get_runs(place.run_id for place in places.items)
        known = [place for place in places.items if place.run_id in runs]
        given = self.workers(self._consumers, known)
        uses = [
            Use(place, runs[place.run_id], consumers.items, consumers.after is not None)
            for place, consumers in zip(known, given, strict=True)
        ]
        return Page(uses, places.after)

    def _consumers(self, place: ValueOrigin) -> Page[str]:
        """Of all that wait for the treatment, those that have an input fed by the port."""
        found = self.provenance.consumers(place.run_id, place.treatment, _CONSUMERS)
        specs = self.provenance.get_specs((place.run_id, name) for name in found.items)
        given = [
            name
            for name in found.items
            if (spec := specs.get((place.run_id, name)))
            and (
                place.treatment in spec.instances
                or spec.name == place.treatment.partition(":")[0]
                or any((one.source_treatment, one.source_port) == (place.treatment, place.port) for one in spec.inputs)
            )
        ]
        return Page(given, found.after)
