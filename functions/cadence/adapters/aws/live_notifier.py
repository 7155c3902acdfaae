"""Notifies the `live` Lambda of what is new in a run, if an organization has clients that may wait for it."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client
from cadence.domain.shared.errors import Transient

_log = logging.getLogger("cadence.live_notifier")

_LOOK_EVERY = 1.0  # seconds
_MOST_KNOWN = 1_000

T = TypeVar("T")


class LiveNotifier:
    """Notifies of new lines of a run, or of streams that flow there, at most every `pause` seconds for each run.

    `has_clients` returns whether anyone of an organization follows lines or watches runs; it is asked once a second.
    A failed or skipped notice only delays clients: they ask by themselves every few seconds.
    """

    def __init__(
        self,
        function_name: str,
        has_clients: Callable[[str, datetime], bool],
        what: Literal["lines", "flows"],
        pause: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._function_name = function_name
        self._has_clients = has_clients
        self._what = what
        self._pause = pause
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, bool]] = {}
        self._notified: dict[str, float] = {}

    def notify(self, organization: str, run_id: str) -> None:
        """Notifies `live` if there are clients."""
        if self._monotonic() < self._notified.get(run_id, float("-inf")) + self._pause:
            return
        try:
            if self._are_there(organization):
                notice = {"organization": organization, "run": run_id, "of": self._what}
                client("lambda").invoke(
                    FunctionName=self._function_name, InvocationType="Event", Payload=json.dumps(notice).encode()
                )
        except (BotoCoreError, ClientError, Transient) as error:
            _log.warning("live clients cannot be notified", extra={"reason": str(error)})
        if self._pause:
            _remember(self._notified, run_id, self._monotonic())

    def _are_there(self, organization: str) -> bool:
        looked, found = self._known.get(organization, (float("-inf"), False))
        if self._monotonic() >= looked + _LOOK_EVERY:
            found = self._has_clients(organization, datetime.now(UTC))
            _remember(self._known, organization, (self._monotonic(), found))
        return found


def _remember(known: dict[str, T], key: str, value: T) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[key] = value
