"""An input whose content the assignment itself holds."""

from __future__ import annotations

from ..shared.termination import Termination
from .inputs import ByteSink


class LiteralInput:
    """Read like an input that comes from the store."""

    def __init__(self, content: str, termination: Termination) -> None:
        self._content = content.encode("utf-8", "surrogatepass")
        self._termination = termination

    def update_producer(self, epoch: int, state: str) -> None:
        """There is no producer to have news of."""

    def abandon(self) -> None:
        """It is as much at hand as it was."""

    def check(self) -> None:
        """Raises Stopped."""
        self._termination.check()

    def read(self, sink: ByteSink) -> None:
        sink(memoryview(self._content))
