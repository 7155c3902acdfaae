"""The critical path of a run: the chain of treatments, each after the one before it, that its time went into."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

_NOTHING = timedelta()


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """A treatment on the critical path, and its share of it, from `since` to `until`.

    That begins when the treatment before it let it go on, and ends when it let the next one go on. Of this time its
    runner `booted` for some and it `ran` for some, as in `cadence.domain.runners.timing`; for the rest it was `queued`,
    also between its attempts.
    """

    treatment: str
    state: TreatmentState
    attempt: int
    since: datetime
    until: datetime
    queued: timedelta
    booted: timedelta
    ran: timedelta


def critical_path(
    treatments: Mapping[str, Treatment], producers: Mapping[str, Sequence[str]], now: datetime
) -> Sequence[PathStep]:
    """Returns the steps of the path by time; none if no treatment was ready yet.

    It is followed back from the treatment that ended last, or of those that have not ended from the one that has been
    under way for the longest time, which takes until `now`. The one before is whichever producer let it go on last: by
    its end, or by its start if it still sent a stream. What was taken over from an earlier run took no time of this
    one. The steps join each other, so that their times add up to that from the first to the end of the last.
    """
    walk = _Walk(treatments, producers)
    steps: dict[str, PathStep] = {}
    name, until = walk.last(now)
    while name is not None and name not in steps:  # the parts inside of an engine may form a circle
        before, since = walk.before(name, until)
        steps[name] = _step(treatments[name], since, until)
        name, until = before, since
    return tuple(steps.values())[::-1]


@dataclass(frozen=True)
class _Walk:
    treatments: Mapping[str, Treatment]
    producers: Mapping[str, Sequence[str]]

    def last(self, now: datetime) -> tuple[str | None, datetime]:
        """The treatment that the path ends with, and when."""
        begun = [one for one in self.treatments.values() if one.kept_from is None and _ready(one)]
        open_ = [one for one in begun if not one.state.final]
        if open_:
            return min((self.before(one.name, now)[1], one.name) for one in open_)[1], now
        ended = [(one.finished_at, one.name) for one in begun if one.finished_at]
        return (max(ended)[1], max(ended)[0]) if ended else (None, now)

    def before(self, name: str, until: datetime) -> tuple[str | None, datetime]:
        """The producer that let `name` go on last, and when; without one, when `name` itself was ready."""
        own = min(_ready(self.treatments[name]) or until, until)
        found = [
            (moment, producer)
            for producer in self.producers.get(name, ())
            if producer in self.treatments and (moment := _let_go(self.treatments[producer], until))
        ]
        if not found:
            return None, own
        moment, producer = max(found)
        return producer, moment


def _let_go(producer: Treatment, until: datetime) -> datetime | None:
    """When `producer` last let others go on before `until`, None if it did not."""
    if producer.kept_from is not None:
        return None
    moments = [moment for moment in (producer.finished_at, producer.started_at) if moment and moment <= until]
    return max(moments, default=None)


def _ready(treatment: Treatment) -> datetime | None:
    """When its first attempt was ready, None if none was."""
    first = (change.at for change in treatment.history if change.state == TreatmentState.READY)
    return next(first, treatment.ready_at or treatment.started_at)


def _step(treatment: Treatment, since: datetime, until: datetime) -> PathStep:
    booted = ran = _NOTHING
    for state, begin, end in _states(treatment, until):
        share = max(_NOTHING, min(end, until) - max(begin, since))
        if state == TreatmentState.BOOTING:
            booted += share
        elif state == TreatmentState.RUNNING:
            ran += share
    return PathStep(
        treatment=treatment.name,
        state=treatment.state,
        attempt=treatment.attempt,
        since=since,
        until=until,
        queued=until - since - booted - ran,
        booted=booted,
        ran=ran,
    )


def _states(treatment: Treatment, until: datetime) -> Iterable[tuple[str, datetime, datetime]]:
    """The states that it was in, each with its begin and end."""
    if not treatment.history:  # inside of an engine
        return ((TreatmentState.RUNNING, treatment.started_at or until, treatment.finished_at or until),)
    ends = [change.at for change in treatment.history[1:]] + [treatment.finished_at or until]
    return ((change.state, change.at, end) for change, end in zip(treatment.history, ends, strict=True))
