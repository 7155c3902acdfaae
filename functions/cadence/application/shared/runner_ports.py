"""Ports over the stores of runners and hosts, shared by several rooms. Every write is safe to repeat."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.offer import RunnerOffer
from cadence.domain.runners.runner import OutputStream, Runner, RunnerState
from cadence.domain.values.stream import StreamProgress


@dataclass(frozen=True)
class FollowedRunner:
    """A runner, and until when its run is watched live (None: it is not): its agent then sends its lines at once."""

    runner: Runner
    followed_until: datetime | None = None

    def is_followed(self, now: datetime) -> bool:
        return self.followed_until is not None and now < self.followed_until


class RunnerStore(Protocol):
    """Runners and their outputs (table `runners`)."""

    def put_runner(self, runner: Runner) -> Runner:
        """Creates the runner; if it exists, returns the stored one with the new `task_token` (a retry adopts it).

        Raises Conflict if the stored one was placed later than `runner`, so that this call comes too late.
        """

    def offer_runner(self, runner: Runner) -> None:
        """Creates the runner, or replaces one that is still offered or has not begun in another pool.

        Raises Conflict if it has gone on, or is to be stopped.
        """

    def get_runner(self, runner_id: str) -> Runner:
        """Returns a runner. Raises NotFound."""

    def get_followed_runner(self, runner_id: str) -> FollowedRunner:
        """Returns a runner, and until when its run is watched live, in one call. Raises NotFound."""

    def get_producer(self, runner_id: str, ports: Collection[str]) -> tuple[Runner, Mapping[str, StreamProgress]]:
        """Returns a runner, and what of its outputs at these ports is committed, in one call. Raises NotFound."""

    def move_runner(self, seen: Runner, source: Iterable[RunnerState], **changes: Any) -> Runner:
        """Changes fields of a runner whose state is one of `source`, and whose pool and placing time are those of
        `seen`.

        Raises Conflict.
        """

    def change_runner(self, runner_id: str, source: Iterable[RunnerState], **changes: Any) -> Runner:
        """Changes fields of a runner whose state is one of `source`. Raises Conflict."""

    def declare_lost(self, runner: Runner) -> bool:
        """Marks the runner lost; returns False if its state or its lease has changed since `runner` was read."""

    def list_outputs(self, runner_id: str) -> Sequence[OutputStream]:
        """Returns the runner's outputs as far as they were sent."""


Specs = Callable[[str, str], TreatmentSpec]
"""Returns the specification of a run's treatment (run id, name). It never changes, so it may be cached."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A machine that joined a pool.

    `running` are the runners that it reported; `handed` are runners leased to it that it has not reported yet. While it
    is `draining` it gets no further work. `labels` are shown to users. `last_call` is the number of its latest request
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


@dataclass(frozen=True, kw_only=True)
class HostCall:
    """A host's request for work: its number, and what the host runs.

    `handed` are the runners that it may have been handed and has not reported. `facts` replace the host's; None leaves
    them.
    """

    number: int
    at: datetime
    running: Collection[str]
    handed: Collection[str] = ()
    facts: Mapping[str, Any] | None = None


class Offers(Protocol):
    """Work offered to the hosts of a pool (table `runners`)."""

    def put_offer(self, runner: Runner, at: datetime) -> None:
        """Offers a runner to the hosts of its pool."""


class HostStore(Offers, Protocol):
    """Hosts and the work offered to them (table `runners`)."""

    def put_host(self, host: Host) -> None:
        """Creates or replaces a host."""

    def get_host(self, organization: str, pool: str, host_id: str) -> Host:
        """Returns a host. Raises NotFound."""

    def list_hosts(self, organization: str, pool: str) -> Sequence[Host]:
        """Returns the hosts of the pool."""

    def drain(self, organization: str, pool: str, host_id: str, draining: bool) -> Host:
        """Sets whether the host gets no further work, from its next lease on; returns the host. Raises NotFound."""

    def forget(self, organization: str, pool: str, host_id: str) -> None:
        """Removes a host: its token is void from now on, and it has to join again.

        Removing an absent one is no error.
        """

    def note_call(self, host: Host, call: HostCall) -> Host:
        """Notes a call of the host; returns the host as it then is. The same call may be noted with more runners.

        Raises Conflict if another call was noted, or a runner handed to the host, since `host` was read.
        """

    def note_claim(self, host: Host, runner_id: str, last_call: int) -> bool:
        """Notes that the host may have been handed a runner, after its call number `last_call`.

        Earlier calls that have not been carried out yet are refused from now on: they do not know the runner. Returns
        False, and notes nothing, if the host has made a later call.
        """

    def remove_offer(self, organization: str, pool: str, offer: RunnerOffer) -> None:
        """Removes an offer. Removing an absent one is no error."""

    def list_offers(self, organization: str, pool: str, limit: int, engine: str | None = None) -> Sequence[RunnerOffer]:
        """Returns the offers that can be among the first `limit` in any fair order.

        These are, by priority, the oldest runs first of every project. Only offers that a host with this Mélodium
        engine (None: without any) can run are included.
        """

    def lease(self, host: Host, offer: RunnerOffer, one_time_hash: str, at: datetime) -> bool:
        """Takes an offer for `host`, which must have been noted as handed the runner: that boots there from `at` on.

        Returns False if the offer was taken or stopped, or is now in another pool.
        """

    def lease_again(self, host: Host, runner_id: str, one_time_hash: str) -> bool:
        """Replaces the one-time token of a runner on `host`, as the answer with the first was lost.

        Returns False unless the runner boots, or if the host has made another call since `host.last_call`.
        """

    def get_runners(self, runner_ids: Iterable[str]) -> Mapping[str, Runner]:
        """Returns those of the runners that exist, by id."""


class Followers(Protocol):
    """Notes which runs are watched live; `RunnerStore.get_followed_runner` reads it."""

    def follow(self, run_id: str, until: datetime) -> None:
        """Notes that the run is watched until then."""


@dataclass(frozen=True)
class WorkNotificationUrl:
    """An address to wait for work at.

    A GET of `url` returns when there may be work, at the latest after `wait_seconds`.
    """

    url: str
    wait_seconds: int


class WorkNotification(Protocol):
    """Wakes the hosts of a pool."""

    def ring(self, organization: str, pool: str, runner_id: str | None = None) -> None:
        """Wakes at least one listening host; the others look on their own.

        `runner_id` is an offered runner that any host of the pool can run; a host with room may start it at once.
        """

    def listen(self, organization: str, pool: str) -> WorkNotificationUrl:
        """Returns where a host waits for work of the pool."""


HOST_SILENT = timedelta(minutes=1)
"""Hosts ask for work every few seconds; one that was silent for so long is not counted on, though it may come back."""
HOST_GONE = timedelta(minutes=10)
"""A host that was not seen for so long is considered gone for good."""
