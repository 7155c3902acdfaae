"""Reconciles a launch that was given up: notes the pool's refusal, and looks for a runner that it started anyway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.offer import adopt
from cadence.application.shared.run_ports import Machines
from cadence.application.shared.runner_ports import RunnerStore
from cadence.domain.placement.placing import ANY_OFFER
from cadence.domain.placement.pool import Placement, PoolRefusal, provider_function
from cadence.domain.runners.runner import RunnerState
from cadence.domain.scheduling.machine_error import MachineError
from cadence.domain.shared.errors import Conflict, NotFound

# Errors that a pool would give to such a treatment whenever it is asked.
_LASTING = frozenset({"ProviderRejected", "InternalError"})
# Errors that concern the requested offers; any other concerns the whole pool.
_OF_THE_OFFERS = frozenset({"ProviderRejected", "CapacityExhausted"})
_LONGEST_WORDS = 300


@dataclass(frozen=True)
class FailedLaunch:
    """A launch that failed, and the error that its machine caught in the end."""

    placement: Placement
    error: MachineError

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "FailedLaunch | None":
        """Reads it from the whole state of a treatment's machine; None if the state has no `refused`."""
        error = MachineError.caught(state.get("refused"))
        return cls(Placement.from_json(state["decided"]["placement"]), error) if error else None

    @property
    def refusal(self) -> PoolRefusal:
        """The pool's answer to the launch, in at most 300 characters."""
        words = (self.error.cause or self.error.name)[:_LONGEST_WORDS]
        return PoolRefusal(self.placement.pool, words, self.error.name in _LASTING)


@dataclass(frozen=True)
class ReconcileLaunch:
    """Notes why a launch failed, and adopts a runner that it started nevertheless."""

    runners: RunnerStore
    machines: Machines
    provider_function_prefix: str
    refusals: Refusals | None = None

    def reconcile(self, organization: str, refused: FailedLaunch, task_token: str) -> bool:
        """Returns True if the launch started a runner after all: `task_token` is answered when its attempt has ended.

        Safe to repeat. Raises RunnerLost if the runner is lost, Cancelled if it is to be stopped.
        """
        placement = refused.placement
        if self.refusals:
            offers = placement.offers if refused.error.name in _OF_THE_OFFERS else (ANY_OFFER,)
            self.refusals.note(organization, placement.pool, offers, placement.decided_at, refused.refusal.words)
        try:
            runner = self.runners.get_runner(placement.runner_id)
        except NotFound:
            return False  # the call ended before there was a runner
        if runner.pool != placement.pool or (runner.placed_at and runner.placed_at > placement.decided_at):
            return False  # this call is repeated: the treatment went on since, elsewhere or with a later launch
        if runner.state is RunnerState.BOOTING:
            try:
                # No machine is known to boot, so it must not be found overdue. If one does, its token lets it in.
                self.runners.move_runner(runner, {RunnerState.BOOTING}, state=RunnerState.OFFERED)
            except Conflict:
                runner = self.runners.get_runner(placement.runner_id)
        if runner.state in {RunnerState.OFFERED, RunnerState.BOOTING}:
            return False
        function = provider_function(self.provider_function_prefix, runner.provider)
        adopt(self.runners, self.machines, runner, function, task_token)
        return True
