"""Reruns what failed of an earlier run, and what depends on it; the results of all other treatments are reused."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cadence.application.pipelines.run_request import RunRequest, frozen_again
from cadence.application.shared.ports import Documents
from cadence.application.shared.run_ports import TreatmentStore, ValueStore
from cadence.application.shared.value_ports import Chunks
from cadence.application.shared.workers import Workers, several_at_once
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.pipelines.unknown_names import choices
from cadence.domain.runs import rerun_reuse
from cadence.domain.runs.rerun_reuse import ReusedTreatments
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import Conflict, InvalidRequest, Violation


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """Prepares reruns."""

    treatments: TreatmentStore
    values: ValueStore
    documents: Documents
    chunks: Chunks
    workers: Workers = several_at_once

    def start(self, run: Run, again: Collection[str] = ()) -> RunRequest:
        """Returns the request of a rerun; treatments named in `again` run once more although they succeeded.

        Raises Conflict while the run goes on, InvalidRequest for names that the run does not have.
        """
        request = frozen_again(run)
        if not run.state.final:
            raise Conflict(f"Run {run.run_id} has not ended: what failed is known only then.", state=str(run.state))
        specs = plan.decode(self.documents.get(run.plan_sha256))
        names = {spec.name for spec in specs}
        for name in again:
            if name not in names:
                message = f"Run {run.run_id} has no treatment {name!r}.{choices(name, names)}"
                raise InvalidRequest(message, [Violation("/from", message)])
        reused = self._reused(run, specs, again)
        sha256 = self.documents.put(rerun_reuse.encode(reused))
        return dataclasses.replace(request, rerun_of=run.run_id, kept_sha256=sha256)

    def _reused(self, run: Run, specs: Sequence[TreatmentSpec], again: Collection[str]) -> ReusedTreatments:
        earlier = {treatment.name: treatment for treatment in self.treatments.list_treatments(run.run_id)}
        notes: dict[str, str] = {}
        while True:
            reused = rerun_reuse.kept(specs, earlier, {*again, *notes}, notes)
            missing = self._missing(run, specs, reused)
            if not missing:
                return reused
            # Its producer runs again, and may itself need a value that is gone.
            for name, why in missing.items():
                notes[name] = f"runs again, as what it sent in run {reused.treatments[name]} is {why}"

    def _missing(self, run: Run, specs: Sequence[TreatmentSpec], reused: ReusedTreatments) -> Mapping[str, str]:
        """Returns the reused treatments of which a value that is read is missing, with the reason."""
        sent = {(spec.name, output.port) for spec in specs for output in spec.outputs if output.type != "void"}
        ports = sorted(rerun_reuse.needed(specs, reused) & sent)
        values = {(value.treatment, value.port): value for value in self.values.list_values(run.run_id)}

        def reason(port: tuple[str, str]) -> str | None:
            value = values.get(port)
            if value and value.retention and value.passes:
                return f"not kept: {value.retention.reason}"
            return None if value and self.chunks.exists(value.chunk_key(0)) else "no longer kept"

        reasons = self.workers(reason, ports)
        return {name: why for (name, _), why in zip(ports, reasons, strict=True) if why}
