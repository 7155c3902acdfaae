"""Stores the usual values of a treatment or pipeline: the newest ones of its own history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cadence.application.alerts.ports import HistoryStore, MeasuredSeries, MeasuredSeriesKey, MeasuredValue
from cadence.domain.alerts.judging import measured, moment
from cadence.domain.exports.event import Event
from cadence.domain.shared.errors import Conflict, Transient

MOST_VALUES = 100
_ATTEMPTS = 8


@dataclass(frozen=True)
class Histories:
    """Reads and extends the histories of measures."""

    store: HistoryStore

    def earlier(self, event: Event, of: str) -> Sequence[float]:
        """Returns the values from before the event, even if its own or later ones are stored already."""
        at = moment(event["finished_at"])
        values = self.store.get_series(_key(event, of)).values
        return [each.value for each in values if each.at < at and each.run_id != event["run_id"]]

    def learn(self, event: Event, of: str) -> None:
        """Stores the value of an event that succeeded, once. Raises Transient."""
        value = measured(event, of) if event["state"] == "succeeded" and event.get("finished_at") else None
        if value is None:
            return
        key = _key(event, of)
        for _ in range(_ATTEMPTS):
            series = self.store.get_series(key)
            grown = with_value(series, MeasuredValue(event["run_id"], moment(event["finished_at"]), value))
            if grown is series:
                return
            try:
                self.store.put_series(key, grown)
            except Conflict:
                continue
            return
        raise Transient(f"The history of {key.pipeline} {key.treatment} is being changed by others. Try again.")


def with_value(series: MeasuredSeries, value: MeasuredValue) -> MeasuredSeries:
    """Returns the series with the value, or the same series if it has this run's already or is full of later ones."""
    if any(each.run_id == value.run_id for each in series.values):
        return series
    values = sorted((*series.values, value), key=lambda each: (each.at, each.run_id))[-MOST_VALUES:]
    return replace(series, values=tuple(values)) if value in values else series


def _key(event: Event, of: str) -> MeasuredSeriesKey:
    return MeasuredSeriesKey(
        organization=event["organization"],
        project=event["project"],
        pipeline=event["pipeline"],
        treatment=event.get("treatment") or "",
        of=of,
    )
