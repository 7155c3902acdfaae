"""Counts the ends of runs and treatments, each in effect once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cadence.application.metrics.ports import Counted, Counters, Event, TreatmentCost
from cadence.application.placement.runner_costs import price_of
from cadence.application.shared.runner_ports import HostStore
from cadence.domain.metrics.counting import (
    Attempt,
    RunEnd,
    TreatmentEnd,
    count_run,
    count_treatment,
    only_what_it_took,
)
from cadence.domain.pipelines.specification import TreatmentKind
from cadence.domain.placement.pool import Price
from cadence.domain.runners.runner import Runner
from cadence.domain.shared import ids

Prices = Callable[[str, str], Price | None]
"""Returns what an hour of a pool's runners costs, by (organization, pool), if it is known."""


_GROUPS = frozenset({str(TreatmentKind.GATHER), str(TreatmentKind.EACH)})


@dataclass(frozen=True)
class CountEvents:
    """Adds events to the counters."""

    counters: Counters
    runners: HostStore
    prices: Prices

    def count(self, events: Sequence[Event]) -> None:
        """Counts the `events` of runs and treatments.

        Groups, which only gather others, and results reused from another run are not counted again. Of replays only the
        runners' usage is counted: outcomes are those of the treatments that they replay. Raises Transient.
        """
        counted = [counted for _, counted in self.counted(events)]
        if counted:
            self.counters.add(counted)

    def counted(self, events: Sequence[Event]) -> Sequence[tuple[Event, Counted]]:
        """Returns the events that count, each with what it adds."""
        counting = [
            event
            for event in events
            if event.get("treatment_kind") not in _GROUPS and not event.get("kept_from") and not _is_replay_run(event)
        ]
        names = [name for event in counting if event["kind"] != "run" for name in _attempts(event)]
        runners = self.runners.get_runners(names) if names else {}
        return [
            (event, self._run(event) if event["kind"] == "run" else self._treatment(event, runners))
            for event in counting
        ]

    def _run(self, event: Event) -> Counted:
        end = RunEnd(
            organization=event["organization"],
            project=event["project"],
            pipeline=event["pipeline"],
            state=event["state"],
            created_at=_known(event, "created_at"),
            finished_at=_known(event, "finished_at"),
            started_at=_time(event.get("started_at")),
        )
        return Counted(event["id"], count_run(end))

    def _treatment(self, event: Event, runners: Mapping[str, Runner]) -> Counted:
        end = TreatmentEnd(
            organization=event["organization"],
            project=event["project"],
            pipeline=event["pipeline"],
            treatment=event["treatment"],
            state=event["state"],
            ready_at=_time(event.get("ready_at")),
            started_at=_time(event.get("started_at")),
            finished_at=_time(event.get("finished_at")),
            usage=event.get("usage") or {},
            attempts=self._started(event, runners),
        )
        counts = count_treatment(end)
        if event.get("replay_of"):
            counts = only_what_it_took(counts)
        return Counted(event["id"], counts, _cost(event, end.attempts))

    def _started(self, event: Event, runners: Mapping[str, Runner]) -> Sequence[Attempt]:
        """Returns all attempts of a treatment: its event names only the last runner, but each one took time."""
        ended = _time(event.get("finished_at"))
        started: list[Attempt] = []
        for name in _attempts(event):
            if name in runners:  # an attempt without a runner found no place
                assert ended is not None
                started.insert(0, self._attempt(runners[name], ended))
                ended = runners[name].created_at
        return started

    def _attempt(self, runner: Runner, ended_by: datetime) -> Attempt:
        """Returns the attempt; without a reported end it lasted at most until the next one began."""
        reported = runner.result.finished_at if runner.result else None
        return Attempt(
            pool=runner.pool,
            provider=runner.provider,
            asked_at=runner.created_at,
            finished_at=min(reported, ended_by) if reported else ended_by,
            booting_at=runner.booting_at,
            claimed_at=runner.claimed_at,
            price=price_of(runner, self.prices(runner.organization, runner.pool)),
        )


def _attempts(event: Event) -> Sequence[str]:
    """Returns the ids of the runners of a treatment's attempts, the last first; none if it had no runner."""
    if not event.get("finished_at") or not event.get("pool"):
        return ()
    numbers = range(int(event.get("attempt") or 1), 0, -1)
    return [ids.runner_id(event["run_id"], event["treatment"], number) for number in numbers]


def _is_replay_run(event: Event) -> bool:
    return event["kind"] == "run" and bool(event.get("replay_of"))


def _cost(event: Event, attempts: Sequence[Attempt]) -> TreatmentCost | None:
    priced = [attempt for attempt in attempts if attempt.price]
    if not priced or priced[-1].price is None:
        return None
    last, price = priced[-1], priced[-1].price
    return TreatmentCost(
        run_id=event["run_id"],
        treatment=event["treatment"],
        pool=last.pool,
        provider=last.provider,
        attempts=len(attempts),
        seconds=round(sum(attempt.seconds for attempt in priced), 3),
        per_hour=price.per_hour,
        currency=price.currency,
        amount=round(
            sum(attempt.cost for attempt in priced if attempt.price and attempt.price.currency == price.currency), 9
        ),
    )


def _known(event: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(event[name])


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
