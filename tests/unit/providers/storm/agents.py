"""What the agent on a machine does, by the script of its attempt, and what becomes of its machine."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from cadence.application.runners.claim import ClaimAssignment
from cadence.application.runners.runner_tokens import session_token
from cadence.domain.runners.runner import RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.shared.errors import Conflict, Gone, Transient, Unauthenticated
from tests.fakes.audit import MemoryAuditTrail
from tests.fakes.gates import MemoryEnvironments
from tests.fakes.retentions import MemoryValueRetentionStore
from tests.fakes.services import MemoryPools, MemorySecretReader, PlainIdTokens, no_sources
from tests.unit.providers.storm.cloud import Thing
from tests.unit.scheduling.simulation.stage import Actor, Crashed
from tests.unit.scheduling.simulation.world import Ports

if TYPE_CHECKING:
    from tests.unit.providers.storm.world import Storm

LIVES = (
    "works", "works", "works", "works", "works long", "fails", "breaks", "never boots", "boots late", "dies early",
    "dies late", "falls silent", "says nothing at the end", "taken away", "taken away", "taken away too soon",
)  # fmt: skip
FAULTS = frozenset(LIVES) - {"works", "works long", "fails"}
BEAT = timedelta(seconds=10)
NOTICE = timedelta(seconds=120)  # what EC2 gives
_LEASE = timedelta(seconds=45)


class AgentOnMachine:
    """`power_off` is whether its machine goes once it has ended."""

    def __init__(self, storm: "Storm", thing: Thing, runner_id: str, script: str, *, power_off: bool) -> None:
        self._storm, self._thing, self._runner_id, self._script = storm, thing, runner_id, script
        self._power_off = power_off
        self._nonce = f"nonce-{thing.machine.ref}-{thing.number}"
        #: Leases the runner with its claim, if its host has not.
        self.takes: Callable[[Ports], None] = lambda gateway: None

    def live(self, actor: Actor) -> None:
        clock, thing = self._storm.clock, self._thing
        if self._script == "never boots":
            return
        actor.pause(clock.now + timedelta(seconds=300 if self._script == "boots late" else 20))
        gateway = self._storm.ports(actor, f"gateway {thing.machine.ref}")
        try:
            self._insist(actor, lambda: self._call_home(gateway))
            thing.works = thing.ended_at is None
            self._work(actor, gateway)
        except (Conflict, Gone, Unauthenticated) as error:
            self._storm.refused_claims[type(error).__name__] += 1
        thing.works = False
        if self._power_off:
            actor.pause(clock.now + timedelta(seconds=5))
            thing.ended_at = thing.ended_at or clock.now

    def _call_home(self, gateway: Ports) -> None:
        self.takes(gateway)
        self._claim(gateway).claim(self._runner_id, self._thing.token, self._nonce, {})

    def _work(self, actor: Actor, gateway: Ports) -> None:
        clock, thing, script = self._storm.clock, self._thing, self._script
        for beat in range(40 if script == "works long" else 4):
            actor.pause(clock.now + BEAT)
            if thing.ended_at is not None or (script == "dies early" and beat == 1):
                thing.ended_at = thing.ended_at or clock.now
                return
            if script == "falls silent":
                thing.works = False
                actor.pause(lambda: False)
            if script == "taken away" and beat == 1:
                self._take_away(NOTICE)
                self._end(actor, gateway, RunnerOutcome.INTERRUPTED)
                return
            if script == "taken away too soon" and beat == 1:
                self._take_away(timedelta(seconds=self._storm.random.choice((0, 1, 15))))
                actor.pause(clock.now + timedelta(seconds=self._storm.random.choice((1, 5, 30))))
                self._end(actor, gateway, RunnerOutcome.INTERRUPTED)
                return
            lease = clock.now + _LEASE
            runner = self._storm.runners.change_runner(self._runner_id, {RunnerState.CLAIMED}, lease_until=lease)
            if runner.cancel_reason:
                self._end(actor, gateway, RunnerOutcome.CANCELLED)
                return
        if script == "dies late":
            thing.ended_at = clock.now
        elif script == "says nothing at the end":
            self._insist(actor, lambda: gateway.runners.complete(self._runner_id, _result(RunnerOutcome.SUCCEEDED)))
        else:
            outcomes = {"fails": RunnerOutcome.FAILED, "breaks": RunnerOutcome.INFRASTRUCTURE}
            self._end(actor, gateway, outcomes.get(script, RunnerOutcome.SUCCEEDED))

    def _take_away(self, after: timedelta) -> None:
        """The cloud says so, and does it."""
        clock, thing = self._storm.clock, self._thing
        due = clock.now + after

        def reclaim(actor: Actor) -> None:
            actor.pause(due)
            thing.ended_at = thing.ended_at or clock.now

        self._storm.stage.enter(f"reclaim {thing.machine.ref}", reclaim)

    def _claim(self, gateway: Ports) -> ClaimAssignment:
        return ClaimAssignment(
            note_spec=lambda run_id, spec: None,
            durations=lambda run, spec: {},
            treatments=gateway.runs, runners=gateway.runners, secrets=MemorySecretReader({}), sources=no_sources(), environments=MemoryEnvironments(), machines=gateway.machines, begin=gateway.begin,
            engine_secrets=lambda run, spec, attempt, secrets: {}, pools=MemoryPools(self._storm.pools), retentions=MemoryValueRetentionStore(self._storm.runs),
            inputs=lambda run_id, spec: {}, audit=MemoryAuditTrail(), id_tokens=PlainIdTokens(), clock=self._storm.clock,
        )  # fmt: skip

    def _end(self, actor: Actor, gateway: Ports, outcome: RunnerOutcome) -> None:
        bearer = f"Bearer {session_token(self._thing.token, self._nonce)}"
        self._insist(actor, lambda: gateway.complete.complete(self._runner_id, bearer, _result(outcome)))

    def _insist(self, actor: Actor, call: Callable[[], object]) -> None:
        """Until it is answered, or the machine is gone."""
        while self._thing.ended_at is None:
            try:
                call()
            except (Crashed, Transient):
                actor.pause(self._storm.clock.now + timedelta(seconds=1))
            else:
                return


def _result(outcome: RunnerOutcome) -> RunnerResult:
    well = outcome is RunnerOutcome.SUCCEEDED
    return RunnerResult(outcome=outcome, exit_code=0 if well else 1, error=None if well else f"it {outcome}")
