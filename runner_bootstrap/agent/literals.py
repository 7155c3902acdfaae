"""An input whose content the assignment itself holds."""

from __future__ import annotations

import threading
from typing import Callable

from .ending import Ending
from .inputs import OPEN_EVERY, Sink


class Literal:
    """Read like an input that comes from the store."""

    def __init__(self, content: str, ending: Ending) -> None:
        self._content = content.encode("utf-8", "surrogatepass")
        self._ending = ending
        self._unwanted = threading.Event()

    def hear(self, epoch: int, state: str) -> None:
        """There is no producer to have news of."""

    def give_up(self) -> None:
        self._unwanted.set()

    def wait_until(self, wanted: Callable[[], bool]) -> bool:
        while not wanted():
            self._ending.check()
            if self._unwanted.wait(OPEN_EVERY):
                return False
        return True

    def read(self, sink: Sink) -> None:
        sink(memoryview(self._content))
