"""Occurrences: the parts of an event that fit a rule, and where they happened."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cadence.domain.alerts.rule import Rule

Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class OccurrenceSample:
    """One occurrence, to be shown and linked.

    `segment` and `index` (from 0) say where a line stands in its run's log.
    """

    text: str
    time: str
    run_id: str
    treatment: str | None = None
    segment: int | None = None
    index: int | None = None


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """`count` occurrences of one event, in one group and one second."""

    event_id: str
    at: datetime
    count: int
    labels: Labels
    sample: OccurrenceSample


@dataclass(frozen=True)
class Recovery:
    """A success in a group that a rule watches: it ends an alert about earlier failures."""

    at: datetime
    labels: Labels


@dataclass(frozen=True)
class Fit:
    """The result of one event for one rule."""

    occurrences: tuple[Occurrence, ...] = ()
    recovery: Recovery | None = None


NOTHING = Fit()


@dataclass(frozen=True)
class AlertGroup:
    """The part of a rule's events that one alert covers: the values of the labels that the rule groups by."""

    labels: Labels = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.labels.items())))

    @property
    def digest(self) -> str:
        """A short digest of the labels, for ids."""
        return hashlib.sha256(json.dumps(dict(sorted(self.labels.items()))).encode()).hexdigest()[:20]


def group_of(rule: Rule, labels: Mapping[str, Any]) -> AlertGroup:
    """Returns the group of the labels.

    A missing label (the pool of a treatment that was skipped) is empty.
    """
    return AlertGroup({name: "" if labels.get(name) is None else str(labels[name]) for name in rule.group_by})
