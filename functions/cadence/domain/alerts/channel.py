"""Channels: the receivers of messages, and the treatment of one that cannot be reached."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class ChannelKind(StrEnum):
    """The kind of a channel."""

    SNS = "sns"
    EMAIL = "email"
    SLACK = "slack"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel of a project. `settings` are the ones that may be shown.

    The secret (an address that is one, a key, a password) is kept elsewhere, encrypted.
    """

    organization: str
    project: str
    name: str
    kind: ChannelKind
    settings: Mapping[str, Any]
    updated_at: datetime
    updated_by: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Organization, project and name."""
        return self.organization, self.project, self.name


FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=14)
"""The longest wait between two tries, below the longest delay of an SQS message, so that each needs one message."""

MOST_REFUSALS = 5
"""After this many refusals by the channel itself a message becomes a dead letter and no longer blocks others."""

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class AlertDelivery:
    """The delivery status of a channel.

    `failures` counts the tries since its last success; `recent` are sendings within a minute. `leased_until` is until
    when another process is sending; `retry_at` is the earliest time of the next try.
    """

    failures: int = 0
    retry_at: datetime | None = None
    leased_until: datetime | None = None
    last_error: str | None = None
    failing_since: datetime | None = None
    delivered_at: datetime | None = None
    recent: tuple[datetime, ...] = ()
    version: int = field(default=0, compare=False)

    @property
    def state(self) -> str:
        """`failing` since the last try, `ok`, or `new` if nothing was delivered yet."""
        if self.failures:
            return "failing"
        return "ok" if self.delivered_at else "new"

    def may_send(self, now: datetime) -> bool:
        """Returns whether a message may be sent now."""
        leased = self.leased_until is not None and now < self.leased_until
        return not leased and (self.retry_at is None or now >= self.retry_at)

    def leased(self, now: datetime, lease: timedelta) -> "AlertDelivery":
        """Returns the status while a process is sending, for at most `lease`."""
        return replace(self, leased_until=now + lease, retry_at=None)

    def sent(self, now: datetime) -> "AlertDelivery":
        """Returns the status after a success."""
        recent = (*(time for time in self.recent if time > now - _MINUTE), now)
        return replace(
            self,
            failures=0,
            retry_at=None,
            last_error=None,
            failing_since=None,
            delivered_at=now,
            recent=recent,
        )

    def failed(self, now: datetime, error: str) -> "AlertDelivery":
        """Returns the status after a failure.

        The wait doubles each time, less a random part, so that many channels do not try at once.
        """
        wait = min(FIRST_WAIT * 2 ** min(self.failures, 10), LONGEST_WAIT) * random.uniform(0.75, 1)
        return replace(
            self,
            failures=self.failures + 1,
            retry_at=now + wait,
            last_error=error[:500],
            failing_since=self.failing_since or now,
        )

    def has_room_at(self, now: datetime, per_minute: int) -> datetime | None:
        """Returns None if one more message may be sent now, else the time from which on.

        The limit protects a channel from being flooded by many alerts.
        """
        recent = [time for time in self.recent if time > now - _MINUTE]
        return recent[-per_minute] + _MINUTE if len(recent) >= per_minute else None
