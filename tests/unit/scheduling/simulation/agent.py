"""What the agent of one attempt does, by its script."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cadence.domain.errors import Conflict, Gone
from cadence.domain.run import TreatmentSpec
from cadence.domain.runner import Outcome, OutputStream, Result, Runner, RunnerState
from tests.fakes.services import ManualClock
from tests.unit.scheduling.simulation.stage import Actor, Crashed

SUCCEEDING = ("succeeds", "takes long", "succeeds but dies", "no room")
FAILING = ("fails",)
LOSING = ("breaks", "never boots", "falls silent", "comes late")
ENDLESS = "never ends"
LEASE = timedelta(seconds=45)
BEAT = timedelta(seconds=10)
MAX_DURATION = 300


@dataclass
class Agent:
    runner: Runner
    spec: TreatmentSpec
    script: str
    clock: ManualClock
    claims: Counter[str]

    def play(self, actor: Actor, ports: Any, gateway: Any) -> None:
        """`gateway` is where calls are answered by a process that may end; they are repeated then."""
        try:
            self._work(actor, ports, gateway)
        except (Conflict, Gone):
            return  # told that it is no longer wanted

    def _work(self, actor: Actor, ports: Any, gateway: Any) -> None:
        if self.runner.state is RunnerState.OFFERED:
            ports.runners.change_runner(
                self.runner.runner_id, {RunnerState.OFFERED}, state=RunnerState.BOOTING, booting_at=self.clock.now
            )
        if self.script == "never boots":
            return
        self._claim(actor, ports, gateway)
        match self.script:
            case "falls silent":
                return
            case "comes late":
                actor.pause(lambda: not ports.runners._port.get_runner(self.runner.runner_id).state.live)
                self._complete(actor, gateway, Outcome.SUCCEEDED, answer=True)
                raise AssertionError("the result of a lost runner was accepted")
            case "never ends":
                self._beat(actor, ports, gateway, 1000)
            case "takes long":
                self._beat(actor, ports, gateway, 20)
        if self.script not in {*LOSING, *FAILING}:
            self._send_outputs(ports)
        outcome = {"fails": Outcome.FAILED, "breaks": Outcome.INFRASTRUCTURE}.get(self.script, Outcome.SUCCEEDED)
        self._complete(actor, gateway, outcome, answer=self.script != "succeeds but dies")

    def _claim(self, actor: Actor, ports: Any, gateway: Any) -> None:
        now = self.clock.now
        claimed = ports.runners.change_runner(
            self.runner.runner_id,
            {RunnerState.BOOTING},
            state=RunnerState.CLAIMED,
            claimed_at=now,
            lease_until=now + LEASE,
            deadline=now + timedelta(seconds=MAX_DURATION),
        )
        self.claims[self.runner.runner_id] += 1
        _insist(actor, self.clock, lambda: gateway.begin(claimed, self.spec))

    def _beat(self, actor: Actor, ports: Any, gateway: Any, times: int) -> None:
        for _ in range(times):
            actor.pause(self.clock.now + BEAT)
            lease = self.clock.now + LEASE
            runner = ports.runners.change_runner(self.runner.runner_id, {RunnerState.CLAIMED}, lease_until=lease)
            if runner.cancel_reason:
                self._complete(actor, gateway, Outcome.CANCELLED, answer=True)
                raise Gone(runner.cancel_reason)

    def _send_outputs(self, ports: Any) -> None:
        for port in self.spec.outputs:
            content = f"{self.runner.runner_id}.{port.port}".encode()
            digest = hashlib.sha256(content).hexdigest()
            ports.put_output(
                self.runner.runner_id,
                OutputStream(port.port, 1, len(content), ended=True, sha256=digest, preview=content),
            )

    def _complete(self, actor: Actor, gateway: Any, outcome: Outcome, *, answer: bool) -> None:
        """Without `answer`, the gateway ends when the result is kept, and so does the agent."""
        error = None if outcome is Outcome.SUCCEEDED else f"it {self.script}"
        result = Result(outcome, exit_code=0 if outcome is Outcome.SUCCEEDED else 1, error=error)
        if answer:
            _insist(actor, self.clock, lambda: gateway.complete(self.runner, result))
        else:
            _insist(actor, self.clock, lambda: gateway.runners.complete(self.runner.runner_id, result))


def _insist(actor: Actor, clock: ManualClock, call: Callable[[], object]) -> None:
    while True:
        try:
            call()
        except Crashed:
            actor.pause(clock.now + timedelta(seconds=1))
        else:
            return
