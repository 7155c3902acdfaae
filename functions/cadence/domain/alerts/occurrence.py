"""What of an event fits a rule, and where it happened."""

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
    """One thing that fits, to be shown and linked. `segment` and `index` (from 0) are where a line stands in its run's log."""

    text: str
    time: str
    run_id: str
    treatment: str | None = None
    segment: int | None = None
    index: int | None = None


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """`count` things that fit, of one event, in one group and one second."""

    event_id: str
    at: datetime
    count: int
    labels: Labels
    sample: OccurrenceSample


@dataclass(frozen=True)
class Recovery:
    """Something that a rule looks at and that is as it should be: what was before is over."""

    at: datetime
    labels: Labels


@dataclass(frozen=True)
class Fit:
    """What one event means to one rule."""

    occurrences: tuple[Occurrence, ...] = ()
    recovery: Recovery | None = None


NOTHING = Fit()


@dataclass(frozen=True)
class AlertGroup:
    """One alert's part of what a rule looks at: the values of the labels that the rule groups by."""

    labels: Labels = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.labels.items())))

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(dict(sorted(self.labels.items()))).encode()).hexdigest()[:20]


def group_of(rule: Rule, labels: Mapping[str, Any]) -> AlertGroup:
    """A label that there is not (a pool of a treatment that was skipped) is empty."""
    return AlertGroup({name: "" if labels.get(name) is None else str(labels[name]) for name in rule.group_by})
