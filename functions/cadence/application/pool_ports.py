"""What is kept of a pool beside its definition (table `runners`). Every write is safe to repeat."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from cadence.domain.runner import Runner

RunnersById = Callable[[Iterable[str]], Mapping[str, Runner]]
"""Those of the given runners that exist, read consistently."""


class Marks(Protocol):
    """Machines that nobody seems to want, by what the infrastructure calls them."""

    def marks(self, organization: str, pool: str) -> Mapping[str, datetime]:
        """Since when."""

    def mark(self, organization: str, pool: str, ref: str, at: datetime) -> None: ...

    def unmark(self, organization: str, pool: str, ref: str) -> None: ...
