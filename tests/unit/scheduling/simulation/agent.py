"""What the agent of one attempt does, by its script."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cadence.application.runners.runner_tokens import token_hash
from cadence.domain.pipelines.specification import OutputSpec, TreatmentSpec
from cadence.domain.runners.runner import OutputStream, Runner, RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, Gone
from cadence.domain.values.stream import StreamEnd, StreamProgress
from tests.fakes.services import ManualClock
from tests.unit.scheduling.simulation.stage import Actor, Crashed

SUCCEEDING = ("succeeds", "takes long", "succeeds but dies", "no room")
FAILING = ("fails",)
LOSING = ("breaks", "never boots", "falls silent", "comes late")
ENDLESS = "never ends"
LEASE = timedelta(seconds=45)
BEAT = timedelta(seconds=10)
_SESSION = "a session of an agent"
MAX_DURATION = 300


def sent(treatment: str, output: OutputSpec) -> bytes:
    """What a treatment sends through an output, the same in every attempt."""
    number = sum(treatment.encode()) % 7
    match output.flow, output.type:
        case "stream", "u64":
            return b"".join(b"%d\n" % line for line in range(number))
        case "stream", "Vec<u64>":
            return b"".join(b"[%d]\n" % line for line in range(number))
        case "stream", _:
            return b"".join(f"{treatment} {line}\n".encode() for line in range(number))
        case _, "Vec<u64>":
            return str(list(range(number))).encode()
        case _:
            return str(number).encode()


def chunks(content: bytes) -> list[bytes]:
    """Elements begin and end anywhere in them."""
    return [content[start : start + 11] for start in range(0, len(content), 11)] or [b""]


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
        self._send_first_lines(actor, ports)
        match self.script:
            case "falls silent":
                return
            case "comes late":
                actor.pause(lambda: not ports.runners._port.get_runner(self.runner.runner_id).state.live)
                self._complete(actor, gateway, RunnerOutcome.SUCCEEDED, answer=True)
                raise AssertionError("the result of a lost runner was accepted")
            case "never ends":
                self._beat(actor, ports, gateway, 1000)
            case "takes long":
                self._beat(actor, ports, gateway, 20)
        if self.script not in {*LOSING, *FAILING}:
            self._send_outputs(actor, ports)
        outcome = {"fails": RunnerOutcome.FAILED, "breaks": RunnerOutcome.INFRASTRUCTURE}.get(
            self.script, RunnerOutcome.SUCCEEDED
        )
        self._complete(actor, gateway, outcome, answer=self.script != "succeeds but dies")

    def _claim(self, actor: Actor, ports: Any, gateway: Any) -> None:
        now = self.clock.now
        claimed = ports.runners.change_runner(
            self.runner.runner_id,
            {RunnerState.BOOTING},
            state=RunnerState.CLAIMED,
            claimed_at=now,
            session_hash=token_hash(_SESSION),
            lease_until=now + LEASE,
            deadline=now + timedelta(seconds=MAX_DURATION),
        )
        self.claims[self.runner.runner_id] += 1
        _insist(actor, self.clock, lambda: gateway.begin.mark(claimed, self.spec))

    def _beat(self, actor: Actor, ports: Any, gateway: Any, times: int) -> None:
        for _ in range(times):
            actor.pause(self.clock.now + BEAT)
            lease = self.clock.now + LEASE
            runner = ports.runners.change_runner(self.runner.runner_id, {RunnerState.CLAIMED}, lease_until=lease)
            if runner.cancel_reason:
                self._complete(actor, gateway, RunnerOutcome.CANCELLED, answer=True)
                raise Gone(runner.cancel_reason)

    def _send_first_lines(self, actor: Actor, ports: Any) -> None:
        """Whatever becomes of this attempt, its consumers may read these."""
        for output in self.spec.outputs:
            if output.flow == "stream":
                for sequence, chunk in enumerate(chunks(sent(self.spec.name, output))[:-1]):
                    self._write(ports, output, sequence, chunk, None)
                    actor.pause()

    def _send_outputs(self, actor: Actor, ports: Any) -> None:
        for output in self.spec.outputs:
            content = sent(self.spec.name, output)
            pieces = chunks(content)
            end = StreamEnd(len(content), hashlib.sha256(content).hexdigest(), len(pieces), content[:4096])
            self._write(ports, output, len(pieces) - 1, pieces[-1], end)
            if output.flow == "block":
                for sequence, chunk in enumerate(pieces):
                    self._write(ports, output, sequence, chunk, end)
            ports.put_output(
                self.runner.runner_id,
                OutputStream(
                    port=output.port,
                    committed=end.chunks,
                    size=end.size,
                    ended=True,
                    sha256=end.sha256,
                    preview=end.preview,
                ),
            )

    def _write(self, ports: Any, output: OutputSpec, sequence: int, chunk: bytes, end: StreamEnd | None) -> None:
        runner = self.runner
        ports.chunks.write(ids.chunk_key(runner.run_id, runner.treatment, runner.attempt, output.port, sequence), chunk)
        ports.streams.progress[runner.runner_id, output.port] = StreamProgress(sequence + 1, 0, end)
        for group in output.grows:
            ports.wake_ups.wake(runner.run_id, group)

    def _complete(self, actor: Actor, gateway: Any, outcome: RunnerOutcome, *, answer: bool) -> None:
        """Without `answer`, the gateway ends when the result is kept, and so does the agent."""
        error = None if outcome is RunnerOutcome.SUCCEEDED else f"it {self.script}"
        result = RunnerResult(outcome=outcome, exit_code=0 if outcome is RunnerOutcome.SUCCEEDED else 1, error=error)
        if answer:
            bearer = f"Bearer {_SESSION}"
            _insist(actor, self.clock, lambda: gateway.complete.complete(self.runner.runner_id, bearer, result))
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
