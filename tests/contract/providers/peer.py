"""What the suite asks of the infrastructure that a provider is held against."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from cadence.providers.contract import Provider


class Trouble(StrEnum):
    FULL = "full"  # no capacity now
    QUOTA = "quota"  # the account may not have more
    CREDENTIALS = "credentials"  # refused
    IMAGE = "image"  # the pool's settings name one that does not exist
    THROTTLED = "throttled"  # 429 and the like, with `Retry-After` where the infrastructure tells it
    BROKEN = "broken"  # 5xx
    SLOW = "slow"  # no answer within the provider's patience


class Peer(Protocol):
    """One infrastructure with one pool on it.

    `what` names it in a sentence ("moto 5.2, an emulation of EC2"). `words` are the infrastructure's own, which the
    error for a trouble has to hold. `cannot` says by the name of a case why it cannot be shown here: such a case is
    skipped with that reason (`case`, or `case[trouble]`). `secret` are the credentials, which may be nowhere in an
    error. `wait_told` is what it
    tells in `Retry-After`, in seconds; `None` if it never does. `page` is how many machines need two pages of its
    inventory.
    """

    what: str
    words: Mapping[Trouble, str]
    cannot: Mapping[str, str]
    secret: str
    wait_told: float | None
    page: int

    def provider(self) -> Provider:
        """A new one, as a Lambda would make it, that meets the troubles of now (credentials and image included)."""

    def make(self, trouble: Trouble) -> None:
        """From now on, until `clear`."""

    def clear(self) -> None: ...

    def lose_answer(self) -> None:
        """The next thing that is created is created, but whoever asked for it hears nothing of it."""

    def boot(self, runner_id: str) -> None:
        """Its machine has come up, as far as the infrastructure can tell."""

    def end(self, runner_id: str) -> None:
        """Its machine ends by itself."""

    def settle(self) -> None:
        """What was being ended is gone."""

    def machines(self, runner_id: str) -> int:
        """How many things there are, by the infrastructure's own account, that were made for this runner and cost."""

    def add_foreign(self) -> None:
        """Something of somebody else, in the same account."""
