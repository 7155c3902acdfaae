"""An input whose content is part of the assignment."""

from __future__ import annotations

from ..shared.termination import Termination
from .inputs import ByteSink


class LiteralInput:
    """Has the methods of ``InputDownload``."""

    def __init__(self, content: str, termination: Termination) -> None:
        self._content = content.encode("utf-8", "surrogatepass")
        self._termination = termination

    def update_producer(self, epoch: int, state: str) -> None:
        """Does nothing, since there is no producer."""

    def abandon(self) -> None:
        """Does nothing, since nothing is downloaded."""

    def check(self) -> None:
        """Raises Stopped."""
        self._termination.check()

    def read(self, sink: ByteSink) -> None:
        """Delivers the content to ``sink``."""
        sink(memoryview(self._content))
