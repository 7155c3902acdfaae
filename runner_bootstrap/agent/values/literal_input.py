"""An input whose content the assignment itself holds."""

from __future__ import annotations

from ..shared.termination import Ending
from .inputs import Sink


class Literal:
    """Read like an input that comes from the store."""

    def __init__(self, content: str, ending: Ending) -> None:
        self._content = content.encode("utf-8", "surrogatepass")
        self._ending = ending

    def hear(self, epoch: int, state: str) -> None:
        """There is no producer to have news of."""

    def give_up(self) -> None:
        """It is as much at hand as it was."""

    def check(self) -> None:
        """Raises Stopped."""
        self._ending.check()

    def read(self, sink: Sink) -> None:
        sink(memoryview(self._content))
