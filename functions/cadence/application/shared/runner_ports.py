"""Ports over the stores of runners and hosts, shared by several rooms. Every write is safe to repeat."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.runner import OutputStream, Runner, RunnerState


class RunnerStore(Protocol):
    """Runners and their outputs (table `runners`)."""

    def put_runner(self, runner: Runner) -> Runner:
        """Creates it; if it is there already, returns the stored one with the new `task_token` kept (a retry adopts).

        Raises Conflict if the stored one was placed later than `runner`: whoever puts it comes too late.
        """

    def get_runner(self, runner_id: str) -> Runner:
        """Raises NotFound."""

    def move_runner(self, seen: Runner, source: Iterable[RunnerState], **changes: Any) -> Runner:
        """Changes fields of a runner that is in one of `source`, in the pool and placed when `seen` was. Raises Conflict."""

    def change_runner(self, runner_id: str, source: Iterable[RunnerState], **changes: Any) -> Runner:
        """Changes fields of a runner that is in one of `source`. Raises Conflict."""

    def declare_lost(self, runner: Runner) -> bool:
        """Marks it lost, unless its state or its lease has changed since `runner` was read (then False)."""

    def list_outputs(self, runner_id: str) -> Sequence[OutputStream]: ...


Specs = Callable[[str, str], TreatmentSpec]
"""The specification of a run's treatment. It never changes, so it may be remembered."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine that joined a pool.

    `running` is what it said it runs; `handed` are runners leased to it that it has not yet said it runs. While it is
    `draining` it gets no further work. `labels` are what people know it by. `last_call` is the number of its latest request
    for work.
    """

    host_id: str
    organization: str
    pool: str
    name: str
    slots: int
    token_hash: str
    joined_at: datetime
    last_seen: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    handed: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    draining: bool = False
    last_call: int = 0


class Offers(Protocol):
    def offer(self, runner: Runner, noted: Mapping[str, Any]) -> None:
        """In one transaction: the treatment boots (`noted` are further fields of it), `runner` is there, and is offered to the hosts of its pool.

        Raises Conflict if the treatment is no longer to be placed at that attempt, or the runner is there already, unless it
        is offered still or has not begun in another pool.
        """


class HostStore(Protocol):
    """Hosts and the work offered to them (table `runners`)."""

    def put_host(self, host: Host) -> None: ...

    def get_host(self, organization: str, pool: str, host_id: str) -> Host:
        """Raises NotFound."""

    def list_hosts(self, organization: str, pool: str) -> Sequence[Host]: ...

    def drain(self, organization: str, pool: str, host_id: str, draining: bool) -> Host:
        """Whether it gets further work, from its next lease on. Raises NotFound."""

    def forget(self, organization: str, pool: str, host_id: str) -> None:
        """Its token is worth nothing from now on, and it has to join again. Forgetting what is not there is no error."""

    def note_call(self, host: Host, call: int, at: datetime, running: Iterable[str], settled: Iterable[str]) -> Host:
        """Notes that the host is there and what it runs; `settled` are runners that no longer need handing over.

        Returns `host` with `call` as its last. Raises Conflict if a call with this number or a higher one was noted before.
        """

    def put_offer(self, runner: Runner, at: datetime) -> None: ...

    def remove_offer(self, organization: str, pool: str, offer: RunnerOffer) -> None:
        """Removing what is not there is no error."""

    def list_offers(self, organization: str, pool: str, limit: int, engine: str | None = None) -> Sequence[RunnerOffer]:
        """Those that the first `limit` in any fair order can be of: by priority, of every project, oldest run first.

        Of what a machine can do with this Mélodium engine (None: without any).
        """

    def lease(self, host: Host, offer: RunnerOffer, one_time_hash: str, at: datetime) -> bool:
        """Takes an offer for `host`: in one transaction it is removed and the runner boots there.

        False if it was taken or stopped, or is offered in another pool by now, or if the host has made another call since
        `host.last_call`.
        """

    def lease_again(self, host: Host, runner_id: str, one_time_hash: str) -> bool:
        """A new one-time token for a runner on `host`, as the answer with the first was lost.

        False unless it boots, or if the host has made another call since `host.last_call`.
        """

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        """Those that exist, by id."""


class Followers(Protocol):
    """Whether somebody watches a run live: its agents then send their lines at once."""

    def follow(self, run_id: str, until: datetime) -> None: ...

    def is_followed(self, run_id: str, now: datetime) -> bool: ...


@dataclass(frozen=True)
class WorkNotificationUrl:
    """A GET of `url` returns when there may be work, at the latest after `wait_seconds`."""

    url: str
    wait_seconds: int


class WorkNotification(Protocol):
    """Wakes the hosts of a pool."""

    def ring(self, organization: str, pool: str) -> None:
        """At least one listening host is woken; the others look by themselves."""

    def listen(self, organization: str, pool: str) -> WorkNotificationUrl: ...


HOST_GONE = timedelta(minutes=10)
"""A host that was not seen for so long has gone for good."""
