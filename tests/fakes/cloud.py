"""A provider in memory: an infrastructure whose machines do as a test says."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cadence.application.shared.ports import Clock
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest


@dataclass
class MemoryCloud:
    """`machines` by reference, `requests` each start that got through, `calls` every call in order."""

    clock: Clock
    room: int = 1_000_000
    first_state: RunnerState = RunnerState.BOOTING
    machines: dict[str, Machine] = field(default_factory=dict)
    requests: list[RunnerRequest] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    checks: Sequence[Check] = ()

    def start(self, request: RunnerRequest) -> str:
        self.calls.append("start")
        ref = f"machine-of-{request.runner_id}"
        if ref not in self.machines:
            if len(self.machines) >= self.room:
                raise CapacityExhausted("InsufficientCapacity: there is no room")
            self.machines[ref] = Machine(
                ref=ref,
                runner_id=request.runner_id,
                condition=MachineCondition.STARTING,
                created_at=self.clock(),
                expires_at=request.expires_at,
                offer="small",
                price_per_hour=0.1,
            )
        self.requests.append(request)
        return ref

    def describe(self, ref: str) -> Machine:
        self.calls.append("describe")
        return self.machines.get(self._ref(ref)) or Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        self.calls.append("stop")
        self.machines.pop(self._ref(ref), None)

    def list_owned(self) -> Sequence[Machine]:
        self.calls.append("list")
        return list(self.machines.values())

    def probe(self) -> Sequence[Check]:
        self.calls.append("probe")
        return self.checks

    def console(self, ref: str) -> str | None:
        self.calls.append("console")
        return self.printed.get(self._ref(ref))

    def boot(self, ref: str) -> None:
        self.machines[ref] = dataclasses.replace(self.machines[ref], condition=MachineCondition.RUNNING)

    def _ref(self, ref: str) -> str:
        return ref if ref.startswith("machine-of-") else f"machine-of-{ref}"


class PlainCipher:
    """Seals by prefixing the context, so that a test sees what was sealed for whom. `opened` counts."""

    def __init__(self) -> None:
        self.opened = 0

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        return _label(context) + plain[::-1]

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        self.opened += 1
        assert ciphertext.startswith(_label(context)), "sealed for somebody else"
        return ciphertext[len(_label(context)) :][::-1]


def _label(context: Mapping[str, str]) -> bytes:
    return repr(sorted(context.items())).encode()
