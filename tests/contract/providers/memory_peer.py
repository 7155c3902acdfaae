"""An infrastructure and its provider in memory: shows that the suite itself asks for nothing impossible."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, ProviderRejected, Transient
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from tests.contract.providers.peer import Trouble

ERRORS = {
    Trouble.FULL: CapacityExhausted("no room"),
    Trouble.QUOTA: CapacityExhausted("quota of 3 reached"),
    Trouble.CREDENTIALS: ProviderRejected("who are you?"),
    Trouble.IMAGE: ProviderRejected("no such image"),
    Trouble.THROTTLED: Transient("not so fast", retry_after=7),
    Trouble.BROKEN: Transient("internal error"),
    Trouble.SLOW: Transient("no answer"),
}


@dataclass
class Memory:
    what: str = "an infrastructure in memory"
    words: dict[Trouble, str] = field(default_factory=lambda: {each: error.message for each, error in ERRORS.items()})
    cannot: dict[str, str] = field(default_factory=dict)
    secret: str = "the-secret"
    wait_told: float | None = 7
    page: int = 3
    trouble: Trouble | None = None
    losing: bool = False
    inventory: dict[str, Machine] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def provider(self) -> "MemoryProvider":
        return MemoryProvider(self)

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble

    def clear(self) -> None:
        self.trouble = None

    def lose_answer(self) -> None:
        self.losing = True

    def boot(self, runner_id: str) -> None:
        self.change(runner_id, MachineCondition.RUNNING)

    def end(self, runner_id: str) -> None:
        self.change(runner_id, MachineCondition.GONE)

    def settle(self) -> None:
        for name, machine in list(self.inventory.items()):
            if machine.condition is MachineCondition.STOPPING:
                self.change(name, MachineCondition.GONE)

    def machines(self, runner_id: str) -> int:
        return sum(
            1
            for each in self.inventory.values()
            if each.runner_id == runner_id and each.condition in {MachineCondition.STARTING, MachineCondition.RUNNING}
        )

    def add_foreign(self) -> None:
        """There is but one account."""

    def change(self, runner_id: str, condition: MachineCondition) -> None:
        self.inventory[runner_id] = replace(self.inventory[runner_id], condition=condition)


@dataclass(frozen=True)
class MemoryProvider:
    memory: Memory
    first_state: RunnerState = RunnerState.BOOTING

    def start(self, request: RunnerRequest) -> str:
        self._meet(*Trouble)
        with self.memory.lock:
            self.memory.inventory.setdefault(
                request.runner_id,
                Machine(
                    ref=request.runner_id,
                    runner_id=request.runner_id,
                    condition=MachineCondition.STARTING,
                    expires_at=request.expires_at,
                ),
            )
        if self.memory.losing:
            self.memory.losing = False
            raise Transient("no answer")
        return request.runner_id

    def describe(self, ref: str) -> Machine:
        self._meet()
        return self.memory.inventory.get(ref, Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE))

    def stop(self, ref: str) -> None:
        self._meet()
        if ref in self.memory.inventory and self.memory.inventory[ref].condition is not MachineCondition.GONE:
            self.memory.change(ref, MachineCondition.STOPPING)

    def list_owned(self) -> Sequence[Machine]:
        self._meet()
        return [each for each in self.memory.inventory.values() if each.condition is not MachineCondition.GONE]

    def probe(self) -> Sequence[Check]:
        return [
            Check(str(trouble), error.message if trouble is self.memory.trouble else None)
            for trouble, error in ERRORS.items()
        ]

    def console(self, ref: str) -> str | None:
        self._meet()
        return "hello" if ref in self.memory.inventory else None

    def _meet(self, *more: Trouble) -> None:
        always = {Trouble.CREDENTIALS, Trouble.THROTTLED, Trouble.BROKEN, Trouble.SLOW}
        if self.memory.trouble in {*always, *more}:
            raise ERRORS[self.memory.trouble]


@contextmanager
def peer() -> Iterator[Memory]:
    yield Memory()
