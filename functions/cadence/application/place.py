"""Placement: which pool gives the runner of a treatment's next attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cadence.application.offer import Offer
from cadence.application.ports import Clock, Deadlines, Machines, PoolStore, RunStore, Standing
from cadence.application.treatment_gates import TreatmentGates
from cadence.domain import ids
from cadence.domain.errors import Cancelled, Conflict, NotFound, NotReady, ProviderRejected
from cadence.domain.history import Change
from cadence.domain.pool import HOST, Placement, Pool, provider_function
from cadence.domain.run import PLACEABLE, Run, TreatmentSpec, TreatmentState

TRY_AGAIN_AFTER = timedelta(seconds=15)
# When the watchdog first looks whether the runner is there, so that nobody waits for a call that ended half-way.
FIRST_LOOK = timedelta(seconds=60)


@dataclass(frozen=True)
class Place:
    runs: RunStore
    pools: PoolStore
    gates: TreatmentGates
    offer: Offer
    machines: Machines
    deadlines: Deadlines
    provider_function_prefix: str
    clock: Clock

    def __call__(
        self, run_id: str, treatment: str, attempt: int, task_token: str, refused: Placement | None = None
    ) -> None:
        """The first pool, in the order of the pipeline's list, that serves the project and has the architecture.

        `task_token` is answered with the placement to launch; a pool of hosts is offered the runner at once, and the token is
        answered when its attempt has ended. Safe to repeat. `refused` is the last decision, if its pool had no room. Raises
        Cancelled (the run is being stopped), NotReady (every pool has been tried just now), ProviderRejected (no pool can ever
        hold it: says which and why), RunnerLost (an earlier call's runner is lost), and what its gates raise.
        """
        self.deadlines.watch_runner(ids.runner_id(run_id, treatment, attempt), FIRST_LOOK, task_token)
        standing = self.runs.get_standing(run_id, treatment)
        run = standing.run
        if run.stop_requested or run.state.final:
            raise Cancelled(run.cause or f"run {run_id} is being stopped")
        stored = standing.treatment
        if stored.cancel_reason or stored.attempt != attempt:
            raise Cancelled(stored.cancel_reason or f"{treatment} goes on with attempt {stored.attempt}")
        placement, noted = self._decide(standing, refused)
        if placement.provider == HOST:
            self.offer(standing, placement, noted, task_token)
            return
        try:
            self.runs.advance(
                run_id,
                treatment,
                attempt,
                PLACEABLE,
                TreatmentState.BOOTING,
                pool=placement.pool,
                placed_at=placement.decided_at,
                **noted,
            )
        except Conflict:
            raise Cancelled(f"{treatment} was settled while it was being placed") from None
        self.machines.succeed(task_token, placement.step())

    def _decide(self, standing: Standing, refused: Placement | None) -> tuple[Placement, Mapping[str, Any]]:
        """The placement, and what is to be noted of the treatment with it."""
        run, spec, attempt = standing.run, standing.spec, standing.treatment.attempt
        pools, reasons = self._candidates(run, spec)
        if not pools:
            raise ProviderRejected(f"no pool can hold {spec.name}: {'; '.join(reasons) or 'there is no pool'}")
        exhausted = (*refused.exhausted, refused.pool) if refused else ()
        untried = [pool for pool in pools if pool.name not in exhausted]
        if not untried:
            if refused and self.clock() < refused.decided_at + TRY_AGAIN_AFTER:
                raise NotReady(f"no room in {', '.join(exhausted)}: trying again after {TRY_AGAIN_AFTER.seconds} s")
            untried, exhausted = pools, ()
        usable, noted = self.gates.passed(run, spec, standing.treatment, untried)
        pool = usable[0]
        placement = Placement(
            pool=pool.name,
            provider=pool.provider,
            function=provider_function(self.provider_function_prefix, pool.provider),
            runner_id=ids.runner_id(run.run_id, spec.name, attempt),
            attempt=attempt,
            boot_deadline=pool.boot_deadline,
            reason=_reason(pool, untried),
            decided_at=self.clock(),
            exhausted=exhausted,
            priority=spec.priority or run.priority,
        )
        # Trying one pool after the other is one step, however often it is repeated.
        if standing.treatment.state is not TreatmentState.BOOTING:
            noted["history"] = (Change(placement.decided_at, attempt, TreatmentState.BOOTING, f"pool {pool.name}"),)
        return placement, {"waiting_for": None, **noted}

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
