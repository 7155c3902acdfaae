"""Notifies the `live` Lambda of new lines, if a connection exists that may follow them."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from cadence.adapters.aws.clients import client
from cadence.application.search.live_ports import LiveConnections
from cadence.domain.shared.errors import Transient

_log = logging.getLogger("cadence.log_indexer")

_LOOK_EVERY = 1.0  # seconds


class LiveNotifier:
    """Notifies with the organization.

    A failed notice only delays lines: connections ask by themselves every few seconds.
    """

    def __init__(
        self, function_name: str, connections: LiveConnections, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._function_name = function_name
        self._connections = connections
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, bool]] = {}

    def notify(self, organization: str) -> None:
        try:
            if self._has_connections(organization):
                client("lambda").invoke(
                    FunctionName=self._function_name,
                    InvocationType="Event",
                    Payload=json.dumps({"organization": organization}).encode(),
                )
        except (BotoCoreError, ClientError, Transient) as error:
            _log.warning("clients that follow lines cannot be notified", extra={"reason": str(error)})

    def _has_connections(self, organization: str) -> bool:
        looked, connected = self._known.get(organization, (float("-inf"), False))
        if self._monotonic() >= looked + _LOOK_EVERY:
            connected = bool(self._connections.of_organization(organization, datetime.now(UTC)))
            self._known[organization] = self._monotonic(), connected
        return connected
