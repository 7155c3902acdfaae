"""Values that are read often and hardly ever change, remembered by a process for a short time."""

import time

from cadence.application.limits.run_gates import QuotaReader
from cadence.application.shared.event_ports import SubscriptionReader
from cadence.domain.exports.event import Subscriptions
from cadence.domain.limits.quotas import Quotas

_SECONDS = 30.0
_SUBSCRIPTIONS_SECONDS = 5.0


class CachedQuotas:
    def __init__(self, quotas: QuotaReader) -> None:
        self._quotas = quotas
        self._known: dict[str, tuple[float, Quotas]] = {}

    def get_quotas(self, organization: str) -> Quotas:
        read_at, quotas = self._known.get(organization, (0.0, None))
        if quotas is None or time.monotonic() >= read_at + _SECONDS:
            quotas = self._quotas.get_quotas(organization)
            self._known[organization] = time.monotonic(), quotas
        return quotas


class CachedSubscriptions:
    def __init__(self, subscriptions: SubscriptionReader) -> None:
        self._subscriptions = subscriptions
        self._known: dict[str, tuple[float, Subscriptions]] = {}

    def get_subscriptions(self, organization: str) -> Subscriptions:
        read_at, subscriptions = self._known.get(organization, (0.0, None))
        if subscriptions is None or time.monotonic() >= read_at + _SUBSCRIPTIONS_SECONDS:
            subscriptions = self._subscriptions.get_subscriptions(organization)
            self._known[organization] = time.monotonic(), subscriptions
        return subscriptions
