"""Placement: which pool gives the runner of a treatment's next attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cadence.application.ports import Clock, PoolStore, RunStore
from cadence.application.treatment_gates import TreatmentGates
from cadence.domain import ids
from cadence.domain.errors import Cancelled, Conflict, NotFound, NotReady, ProviderRejected
from cadence.domain.pool import Placement, Pool
from cadence.domain.run import Run, TreatmentSpec, TreatmentState

TRY_AGAIN_AFTER = timedelta(seconds=15)


@dataclass(frozen=True)
class Place:
    runs: RunStore
    pools: PoolStore
    gates: TreatmentGates
    provider_function_prefix: str
    clock: Clock

    def __call__(self, run_id: str, treatment: str, refused: Placement | None = None) -> Placement:
        """The first pool, in the order of the pipeline's list, that serves the project and has the architecture.

        `refused` is the last decision, if its pool had no room. Raises Cancelled (the run is being stopped), NotReady (every
        pool has been tried just now), ProviderRejected (no pool can ever hold it: says which and why), and what its gates raise.
        """
        run = self.runs.get_run(run_id)
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        spec = self.runs.get_spec(run_id, treatment)
        pools, reasons = self._candidates(run, spec)
        if not pools:
            raise ProviderRejected(f"no pool can hold {treatment}: {'; '.join(reasons) or 'there is no pool'}")
        exhausted = (*refused.exhausted, refused.pool) if refused else ()
        untried = [pool for pool in pools if pool.name not in exhausted]
        if not untried:
            if refused and self.clock() < refused.decided_at + TRY_AGAIN_AFTER:
                raise NotReady(f"no room in {', '.join(exhausted)}: trying again after {TRY_AGAIN_AFTER.seconds} s")
            untried, exhausted = pools, ()
        stored = self.runs.get_treatment(run_id, treatment)
        if stored.cancel_reason:
            raise Cancelled(stored.cancel_reason)
        usable, noted = self.gates.passed(run, spec, stored, untried)
        pool = usable[0]
        try:
            self.runs.advance(
                run_id,
                treatment,
                stored.attempt,
                {TreatmentState.READY, TreatmentState.PLACING, TreatmentState.BOOTING},
                TreatmentState.BOOTING,
                pool=pool.name,
                placed_at=self.clock(),
                **{"waiting_for": None, **noted},
            )
        except Conflict:
            raise Cancelled(f"{treatment} was settled while it was being placed") from None
        return Placement(
            pool=pool.name,
            provider=pool.provider,
            function=f"{self.provider_function_prefix}{pool.provider}",
            runner_id=ids.runner_id(run_id, treatment, stored.attempt),
            attempt=stored.attempt,
            boot_deadline=pool.boot_deadline,
            reason=_reason(pool, untried),
            decided_at=self.clock(),
            exhausted=exhausted,
        )

    def _candidates(self, run: Run, spec: TreatmentSpec) -> tuple[list[Pool], list[str]]:
        reasons: list[str] = []
        known: list[Pool] = []
        if spec.pools:
            for name in spec.pools:
                try:
                    known.append(self.pools.get_pool(run.organization, name))
                except NotFound:
                    reasons.append(f"pool {name} does not exist")
        else:
            known = list(self.pools.list_pools(run.organization))
        fitting = []
        for pool in known:
            if not pool.serves(run.project):
                reasons.append(f"pool {pool.name} does not serve project {run.project}")
            elif spec.arch and spec.arch not in pool.architectures:
                reasons.append(f"pool {pool.name} has no {spec.arch}")
            else:
                fitting.append(pool)
        return fitting, reasons


def _reason(chosen: Pool, candidates: Sequence[Pool]) -> str:
    if len(candidates) == 1:
        return "the only candidate"
    names = ", ".join(pool.name for pool in candidates)
    return f"first of {names}" if chosen is candidates[0] else f"first of {names} with a free slot"
