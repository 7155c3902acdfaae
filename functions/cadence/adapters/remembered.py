"""Quotas, remembered by a process for a little while: they are asked for with every treatment and hardly ever change."""

import time

from cadence.application.run_gates import QuotaReader
from cadence.domain.quotas import Quotas

_SECONDS = 30.0


class RememberedQuotas:
    def __init__(self, quotas: QuotaReader) -> None:
        self._quotas = quotas
        self._known: dict[str, tuple[float, Quotas]] = {}

    def get_quotas(self, organization: str) -> Quotas:
        read_at, known = self._known.get(organization, (0.0, None))
        if known is None or time.monotonic() >= read_at + _SECONDS:
            known = self._quotas.get_quotas(organization)
            self._known[organization] = time.monotonic(), known
        return known
