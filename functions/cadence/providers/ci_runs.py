"""Runners that are runs of another CI system. Its runs have names, and no tags; what a run is given can be read by many, so
no token is among it: its job proves to the gateway who it is with an identity token, and gets its token in exchange.

A reference is the run's id there.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from cadence.application.shared.ports import Clock
from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import Conflict, NotFound, ProviderRejected
from cadence.providers.choices import Choice, suitable
from cadence.providers.contract import AgentFile, Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, as_seconds, from_seconds
from cadence.providers.rest import Rest, all_there

Found = Mapping[str, Any]
"""A run, as the CI system tells of it."""

_MARK = re.compile(r"cadence (?P<runner>\S+) (?P<owner>[0-9a-f]{20}) (?P<expires>\d+)")
# A start is repeated for so long at most; older runs are not looked through for its own.
_REPEATED = timedelta(hours=6)
_CONSOLE = 16 * 1024


@dataclass(frozen=True)
class Mark:
    runner_id: str
    owner: str
    expires_at: datetime | None


def mark(owner: MachineOwner, request: RunnerRequest) -> str:
    """The same in each repetition."""
    expires = as_seconds(request.expires_at) if request.expires_at else "0"
    return f"cadence {request.runner_id} {owner.key} {expires}"


def read_mark(name: str | None) -> Mark | None:
    """`None` for what is no runner."""
    found = _MARK.fullmatch(name or "")
    if found is None:
        return None
    expires = None if found["expires"] == "0" else from_seconds(found["expires"])
    return Mark(found["runner"], found["owner"], expires)


def minutes(request: RunnerRequest) -> str:
    """After these, the CI system ends what everybody has forgotten."""
    return str(ceil((request.boot_deadline + request.max_duration) / 60) + 10)


class CiSettings(Protocol):
    @property
    def runners(self) -> tuple[Choice, ...]: ...


Settings = TypeVar("Settings", bound=CiSettings)


class CiProvider(ABC, Generic[Settings]):
    """Implements `Provider` for one pool, but for what CI systems say differently. Pages of runs follow one another while
    runs come and go, so one may be seen twice."""

    first_state = RunnerState.BOOTING

    called: ClassVar[str]
    """What a run is called there."""
    name_of: ClassVar[str]
    """Where a run's name is."""
    not_over: ClassVar[Sequence[str]]
    conditions: ClassVar[Mapping[str, MachineCondition]]
    """What its status means; all others are before it runs."""

    def __init__(
        self,
        owner: MachineOwner,
        settings: Settings,
        rest: Rest,
        hidden: Hidden,
        clock: Clock,
        api: LimitedApi,
        page: int = 100,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._clock, self._api, self._page = clock, api, page

    @property
    def start_api(self) -> LimitedApi:
        return self._api

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected(f"A {self.called} has to be told where its agent is.")
        made = self._find(request.runner_id)
        if made:
            first, *twins = made
            for twin in twins:
                self.stop(str(twin["id"]))
            return str(first["id"])
        choice = suitable(self._settings.runners, request.needs)[0]
        with all_there():
            return self._begin(request, request.home.agent, choice.type)

    def describe(self, ref: str) -> Machine:
        try:
            found = self._whole(ref)
        except NotFound:
            return Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)
        return self._machine(found) if found else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        for each in [ref] if ref.isdecimal() else [str(run["id"]) for run in self._find(ref)]:
            with suppress(NotFound, Conflict):  # a run that is over is not cancelled
                self._rest.call("POST", f"{self._run(each)}/cancel")

    def list_owned(self) -> Sequence[Machine]:
        runs = {run["id"]: run for status in self.not_over for run in self._owned(status=status)}
        return [self._machine(run) for _, run in sorted(runs.items())]

    def probe(self) -> Sequence[Check]:
        credentials = self._credentials()
        return [credentials] if credentials.missing else [credentials, self._image()]

    def console(self, ref: str) -> str | None:
        """What its job printed, as far as the CI system shows it."""
        run_id = ref if ref.isdecimal() else next((str(run["id"]) for run in self._find(ref)), None)
        try:
            jobs = self._jobs(run_id) if run_id else ()
            text = self._log(jobs[0]) if jobs else None
        except NotFound:
            return None
        return self._hidden.cut(text).encode()[-_CONSOLE:].decode("utf-8", "ignore") if text else None

    def _whole(self, ref: str) -> Found | None:
        """By its id, or by its runner's."""
        if not ref.isdecimal():
            return next(iter(self._find(ref)), None)
        found: Found = self._rest.get(self._run(ref))
        return found

    def _find(self, runner_id: str) -> list[Found]:
        """Runs of this runner that are not over, the oldest first."""
        found = [
            run
            for run in self._owned(**self._since(self._clock() - _REPEATED))
            if (its := read_mark(run[self.name_of])) and its.runner_id == runner_id
            if self.conditions.get(run["status"]) is not MachineCondition.GONE
        ]
        return sorted(found, key=lambda run: int(run["id"]))

    def _owned(self, **narrower: str) -> Iterator[Found]:
        """Of this pool."""
        for run in self._runs(**narrower):
            its = read_mark(run.get(self.name_of))
            if its and its.owner == self._owner.key:
                yield run

    def _machine(self, run: Found) -> Machine:
        its = read_mark(run.get(self.name_of))
        runners = self._settings.runners
        return Machine(
            ref=str(run["id"]),
            runner_id=its.runner_id if its else "",
            condition=self.conditions.get(str(run["status"]), MachineCondition.STARTING),
            created_at=datetime.fromisoformat(run["created_at"]),
            expires_at=its.expires_at if its else None,
            offer=self._offer(),
            price_per_hour=runners[0].price_per_hour if len(runners) == 1 else None,
            reason=self._reason(run),
        )

    @abstractmethod
    def _begin(self, request: RunnerRequest, agent: AgentFile, labels: str) -> str:
        """The id of the run that was asked for. `labels` says on which of the CI system's runners."""

    @abstractmethod
    def _run(self, ref: str) -> str:
        """Path of a run."""

    @abstractmethod
    def _runs(self, **narrower: str) -> Iterator[Found]:
        """All that may be runners of this pool."""

    @abstractmethod
    def _since(self, moment: datetime) -> Mapping[str, str]:
        """What narrows `_runs` to those that were made since then."""

    @abstractmethod
    def _jobs(self, run_id: str) -> Sequence[Found]: ...

    @abstractmethod
    def _log(self, job: Found) -> str | None: ...

    @abstractmethod
    def _credentials(self) -> Check: ...

    @abstractmethod
    def _image(self) -> Check: ...

    @abstractmethod
    def _offer(self) -> str: ...

    @abstractmethod
    def _reason(self, run: Found) -> str | None: ...
