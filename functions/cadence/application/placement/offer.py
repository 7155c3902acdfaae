"""Offers a runner to a pool of hosts: nothing has to be started, so the call that places the runner offers it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.shared.run_ports import Machines, TreatmentContext, TreatmentStore
from cadence.application.shared.runner_ports import Offers, RunnerStore, WorkNotification
from cadence.domain.melodium import engines
from cadence.domain.placement.pool import Placement
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import PLACEABLE, TreatmentState
from cadence.domain.scheduling.machine_step import settling
from cadence.domain.shared.errors import Cancelled, Conflict, RunnerLost


@dataclass(frozen=True)
class OfferRunner:
    """Offers a treatment's runner to the hosts of the pool in which it was placed."""

    treatments: TreatmentStore
    runners: RunnerStore
    offers: Offers
    work_notification: WorkNotification
    machines: Machines

    def offer(self, context: TreatmentContext, placement: Placement, noted: Mapping[str, Any], task_token: str) -> None:
        """Offers the runner; `noted` are fields of the treatment, which change as it begins to boot.

        Safe to repeat: a runner that an earlier call offered is adopted, with the new `task_token`.
        Raises Cancelled (the treatment was settled or cancelled) and RunnerLost (an earlier call's runner is lost).
        """
        run, treatment = context.run, context.treatment
        runner = Runner(
            runner_id=placement.runner_id,
            run_id=run.run_id,
            treatment=treatment.name,
            attempt=placement.attempt,
            organization=run.organization,
            project=run.project,
            pool=placement.pool,
            provider=placement.provider,
            state=RunnerState.OFFERED,
            created_at=placement.decided_at,
            boot_deadline=placement.boot_deadline,
            task_token=task_token,
            priority=placement.priority,
            placed_at=placement.decided_at,
            per_hour=placement.price.per_hour if placement.price else None,
            currency=placement.price.currency if placement.price else None,
            engine=engines.needed(context.spec.engine),
        )
        try:
            # Before its treatment boots: a call that stops the run finds it either not placed yet, or its runner.
            self.runners.offer_runner(runner)
        except Conflict:
            adopt(self.runners, self.machines, runner, placement.function, task_token)
            return
        try:
            boots(self.treatments, treatment, placement, noted)
        except Cancelled:
            if self.runners.get_runner(runner.runner_id).state is RunnerState.OFFERED:
                raise
            # Another call that places the same attempt has offered it meanwhile, and a host has begun it.
            adopt(self.runners, self.machines, runner, placement.function, task_token)
            return
        # Last, so that no host begins it before. The watchdog completes what ends half-way (`UnclaimedOffers`).
        self.offers.put_offer(runner, placement.decided_at)
        # Which hosts have the engine that it needs is known to the gateway: hosts ask it.
        self.work_notification.ring(runner.organization, runner.pool, None if runner.engine else runner.runner_id)


def adopt(runners: RunnerStore, machines: Machines, runner: Runner, function: str, task_token: str) -> None:
    """Has `task_token` answered when the attempt of a runner that has begun has ended, in place of an earlier token.

    Raises Cancelled and RunnerLost.
    """
    try:
        known = runners.put_runner(replace(runner, task_token=task_token))
    except Conflict:
        raise RunnerLost(f"runner {runner.runner_id} went on elsewhere") from None
    # Read after the token is stored: a call that cancels or ends the attempt from now on finds the token.
    if known.cancel_reason:
        raise Cancelled(known.cancel_reason)
    if known.result is not None:
        machines.proceed(task_token, settling(runner.attempt, function, runner.runner_id))
    elif not known.state.live:
        raise RunnerLost(f"runner {runner.runner_id} is {known.state}")


def boots(treatments: TreatmentStore, treatment: Treatment, placement: Placement, noted: Mapping[str, Any]) -> None:
    """Moves a treatment to booting, with the placement and what is `noted`. Raises Cancelled if it was settled."""
    try:
        treatments.advance(
            treatment.run_id,
            treatment.name,
            placement.attempt,
            PLACEABLE,
            TreatmentState.BOOTING,
            pool=placement.pool,
            placed_at=placement.decided_at,
            **noted,
        )
    except Conflict:
        raise Cancelled(f"{treatment.name} was settled while it was being placed") from None
