"""What the peers that are doubles share: troubles of HTTP, and answers that are lost."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from cadence.providers.contract import AgentFile, CallHome, RunnerRequest
from cadence.providers.marks import MachineOwner
from tests.contract.providers.peer import Trouble
from tests.doubles.cloud import Cloud
from tests.doubles.cloud import Trouble as Reaction
from tests.fakes.answering import Reply

C = TypeVar("C", bound=Cloud)


class Doubled(Generic[C]):
    """`throttled` and `broken` are the bodies of its 429 and 500. A subclass has what is its own cloud's."""

    what: ClassVar[str]
    words: ClassVar[Mapping[Trouble, str]]
    cannot: ClassVar[Mapping[str, str]] = MappingProxyType({})
    secret: ClassVar[str]
    page: ClassVar[int]
    wait_told: ClassVar[float | None] = 7
    throttled: ClassVar[Any] = None
    broken: ClassVar[Any] = None

    def __init__(self, cloud: C, url: str, owner: MachineOwner | None = None) -> None:
        self.cloud, self.url = cloud, url
        self.owner = owner or MachineOwner("cadence-test", "default", "cloud")
        self.trouble: Trouble | None = None
        self.held = threading.Event()
        self.patience = 5.0

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        match trouble:
            case Trouble.FULL:
                self.fill()
            case Trouble.QUOTA:
                self.exhaust_quota()
            case Trouble.THROTTLED:
                self.cloud.trouble = Reaction(
                    Reply(429, self.throttled, {"retry-after": str(int(self.wait_told or 0))})
                )
            case Trouble.BROKEN:
                self.cloud.trouble = Reaction(Reply(500, self.broken))
            case Trouble.SLOW:
                self.patience = 0.2
                self.held.clear()
                self.cloud.trouble = Reaction(held=self.held)
            case Trouble.CREDENTIALS | Trouble.IMAGE:
                pass  # what `provider` makes from now on has wrong ones

    def clear(self) -> None:
        self.held.set()
        self.trouble, self.cloud.trouble, self.patience = None, None, 5.0
        self.make_room()

    def lose_answer(self) -> None:
        self.cloud.trouble = Reaction(
            Reply(504, self.broken), on=lambda asked: self.creates(asked.method, asked.path), done_first=True, once=True
        )

    def a_request(self, runner_id: str) -> RunnerRequest:
        home = CallHome(
            "https://cadence.example", "a-token-of-another", AgentFile("https://cadence.example/a", "ab" * 32)
        )
        return RunnerRequest(
            runner_id=runner_id, boot_deadline=120, run_id="run", expires_at=datetime(2030, 1, 1, tzinfo=UTC), home=home
        )

    def fill(self) -> None:
        raise NotImplementedError

    def exhaust_quota(self) -> None:
        raise NotImplementedError

    def make_room(self) -> None:
        raise NotImplementedError

    def creates(self, method: str, path: str) -> bool:
        raise NotImplementedError
