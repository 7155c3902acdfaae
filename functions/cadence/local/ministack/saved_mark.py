"""Marks each complete save of MiniStack's state, which only logs what it could not save."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

SaveAll = Callable[[dict[str, Any]], None]


class _Failures(logging.Handler):
    """Counts the errors of MiniStack's saves."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def marking(save_all: SaveAll, saved: Path, logger: logging.Logger) -> SaveAll:
    """Returns ``save_all``, which renews the file ``saved`` after each save without an error on ``logger``.

    Saves must take turns.
    """
    failures = _Failures()
    logger.addHandler(failures)

    def save(services: dict[str, Any]) -> None:
        before = failures.count
        save_all(services)
        if failures.count == before:
            saved.touch()

    return save
