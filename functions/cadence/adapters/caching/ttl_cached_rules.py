"""Rules, channels and silences, remembered by a process for some seconds.

Every event needs them, and they hardly ever change.
"""

import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from cadence.application.alerts.ports import ChannelReader, RuleReader, SilenceReader
from cadence.domain.alerts.channel import Channel
from cadence.domain.alerts.rule import Rule
from cadence.domain.alerts.silence import Silence

_SECONDS = 5.0

T = TypeVar("T")


class _Remembered(Generic[T]):
    def __init__(self, read: Callable[[str], Sequence[T]]) -> None:
        self._read = read
        self._known: dict[str, tuple[float, Sequence[T]]] = {}

    def __call__(self, organization: str) -> Sequence[T]:
        read_at, value = self._known.get(organization, (0.0, None))
        if value is None or time.monotonic() >= read_at + _SECONDS:
            value = self._read(organization)
            self._known[organization] = time.monotonic(), value
        return value


class CachedRules:
    """Implements RuleReader, ChannelReader and SilenceReader. A single rule is always read anew."""

    def __init__(self, rules: RuleReader, channels: ChannelReader, silences: SilenceReader) -> None:
        self._rules = rules
        self.list_rules: Callable[[str], Sequence[Rule]] = _Remembered(rules.list_rules)
        self.list_channels: Callable[[str], Sequence[Channel]] = _Remembered(channels.list_channels)
        self.list_silences: Callable[[str], Sequence[Silence]] = _Remembered(silences.list_silences)

    def get_rule(self, organization: str, project: str, name: str) -> Rule:
        return self._rules.get_rule(organization, project, name)
