"""A launch that was given up: what its pool said is kept, and what it may have made all the same is looked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.placement.back_offs import Refusals
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.placement.placing import ANY_OFFER
from cadence.domain.placement.pool import Placement, PoolRefusal, provider_function
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.scheduling.machine_step import MachineStep, NextState
from cadence.domain.shared.errors import Conflict, NotFound, RunnerLost

# What a pool says to such a treatment whenever it is asked.
_LASTING = frozenset({"ProviderRejected", "InternalError"})
# What it says of what was asked for; anything else is true of the whole pool.
_OF_THE_OFFERS = frozenset({"ProviderRejected", "CapacityExhausted"})
_LONGEST_WORDS = 300


@dataclass(frozen=True)
class FailedLaunch:
    """A launch that did not come about, and the error that its machine caught in the end."""

    placement: Placement
    error: MachineError

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "FailedLaunch | None":
        """From the whole state of a treatment's machine, which has `refused` and the last placement if so."""
        error = MachineError.caught(state.get("refused"))
        return cls(Placement.from_json(state["decided"]["placement"]), error) if error else None

    @property
    def said(self) -> PoolRefusal:
        words = (self.error.cause or self.error.name)[:_LONGEST_WORDS]
        return PoolRefusal(self.placement.pool, words, self.error.name in _LASTING)


@dataclass(frozen=True)
class ReconcileLaunch:
    runners: RunnerStore
    machines: Machines
    provider_function_prefix: str
    refusals: Refusals | None = None

    def reconcile(self, organization: str, refused: FailedLaunch, task_token: str) -> bool:
        """True if a runner came of it after all: `task_token` is answered when its attempt has ended. Safe to repeat.

        Raises RunnerLost if its runner is lost.
        """
        placement = refused.placement
        if self.refusals:
            offers = placement.offers if refused.error.name in _OF_THE_OFFERS else (ANY_OFFER,)
            self.refusals.note(organization, placement.pool, offers, placement.decided_at, refused.said.words)
        try:
            runner = self.runners.get_runner(placement.runner_id)
        except NotFound:
            return False  # the call ended before there was one
        if runner.pool != placement.pool:
            return False  # this is a repetition: it went on elsewhere since
        if runner.state is RunnerState.BOOTING:
            try:
                # Nothing is known to boot, so it must not be found overdue. If something does, its token lets it in.
                self.runners.move_runner(runner, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
            except Conflict:
                runner = self.runners.get_runner(placement.runner_id)
        return self._at_work(runner, task_token)

    def _at_work(self, runner: Runner, task_token: str) -> bool:
        if runner.state in {RunnerState.OFFERED, RunnerState.BOOTING}:
            return False
        try:
            known = self.runners.put_runner(replace(runner, task_token=task_token))
        except Conflict:
            raise RunnerLost(f"runner {runner.runner_id} went on elsewhere") from None
        # Looked at after the token is kept: whoever ends the attempt from now on finds it.
        if known.result is not None:
            function = provider_function(self.provider_function_prefix, known.provider)
            step = MachineStep(
                next=NextState.SETTLE, attempt=known.attempt, function=function, runner_id=known.runner_id
            )
            self.machines.succeed(task_token, step.as_json())
        elif not known.state.live:
            raise RunnerLost(f"runner {known.runner_id} is {known.state}")
        return True
