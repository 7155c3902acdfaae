"""Runners that are runs of another CI system. A reference is the run's id there.

Its runs have names, and no tags. Their inputs can be read by others, so they contain no token: the job proves its
identity to the gateway with an identity token, and gets its token in exchange.
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
"""A run or job, as the CI system reports it."""

_MARK = re.compile(r"cadence (?P<runner>\S+) (?P<owner>[0-9a-f]{20}) (?P<expires>\d+)")
# A start is repeated for this long at most; older runs are not searched.
_REPEATED = timedelta(hours=6)
_CONSOLE = 16 * 1024


@dataclass(frozen=True)
class Mark:
    """The mark of a runner in the name of its run."""

    runner_id: str
    owner: str
    expires_at: datetime | None


def mark(owner: MachineOwner, request: RunnerRequest) -> str:
    """Returns the name of a runner's run; the same in each repetition."""
    expires = as_seconds(request.expires_at) if request.expires_at else "0"
    return f"cadence {request.runner_id} {owner.key} {expires}"


def read_mark(name: str | None) -> Mark | None:
    """Returns the mark in a run's name; None for a run that is no runner."""
    match = _MARK.fullmatch(name or "")
    if match is None:
        return None
    expires = None if match["expires"] == "0" else from_seconds(match["expires"])
    return Mark(match["runner"], match["owner"], expires)


def minutes(request: RunnerRequest) -> str:
    """Returns the minutes after which the CI system ends the run in any case."""
    return str(ceil((request.boot_deadline + request.max_duration) / 60) + 10)


class CiSettings(Protocol):
    """The common settings of pools of CI systems."""

    @property
    def runners(self) -> tuple[Choice, ...]: ...


Settings = TypeVar("Settings", bound=CiSettings)


class CiProvider(ABC, Generic[Settings]):
    """Implements `Provider` for one pool, except for the calls that differ between CI systems.

    Runs start and end while pages of them are read, so one may be seen twice.
    """

    first_state = RunnerState.BOOTING

    called: ClassVar[str]
    """The CI system's word for a run."""
    name_of: ClassVar[str]
    """The member of a run that contains its name."""
    not_over: ClassVar[Sequence[str]]
    conditions: ClassVar[Mapping[str, MachineCondition]]
    """The condition for each status; all other statuses are `STARTING`."""

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
        """The API whose rate limit starts wait for."""
        return self._api

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected(f"A {self.called} needs the address of its agent.")
        existing = self._find(request.runner_id)
        if existing:
            first, *twins = existing
            for twin in twins:
                self.stop(str(twin["id"]))
            return str(first["id"])
        choice = suitable(self._settings.runners, request.needs)[0]
        with all_there():
            return self._begin(request, request.home.agent, choice.type)

    def describe(self, ref: str) -> Machine:
        try:
            run = self._whole(ref)
        except NotFound:
            return Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)
        return self._machine(run) if run else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        for run_id in [ref] if ref.isdecimal() else [str(run["id"]) for run in self._find(ref)]:
            with suppress(NotFound, Conflict):  # a run that is over is not cancelled
                self._rest.call("POST", f"{self._run(run_id)}/cancel")

    def list_owned(self) -> Sequence[Machine]:
        runs = {run["id"]: run for status in self.not_over for run in self._owned(status=status)}
        return [self._machine(run) for _, run in sorted(runs.items())]

    def probe(self) -> Sequence[Check]:
        credentials = self._credentials()
        return [credentials] if credentials.missing else [credentials, self._image()]

    def console(self, ref: str) -> str | None:
        """Returns the output of its job, as far as the CI system shows it."""
        run_id = ref if ref.isdecimal() else next((str(run["id"]) for run in self._find(ref)), None)
        try:
            jobs = self._jobs(run_id) if run_id else ()
            text = self._log(jobs[0]) if jobs else None
        except NotFound:
            return None
        return self._hidden.cut(text).encode()[-_CONSOLE:].decode("utf-8", "ignore") if text else None

    def _whole(self, ref: str) -> Found | None:
        """Returns the run by its id, or by its runner's."""
        if not ref.isdecimal():
            return next(iter(self._find(ref)), None)
        run: Found = self._rest.get(self._run(ref))
        return run

    def _find(self, runner_id: str) -> list[Found]:
        """Returns the runs of this runner that are not over, the oldest first."""
        runs = [
            run
            for run in self._owned(**self._since(self._clock() - _REPEATED))
            if (run_mark := read_mark(run[self.name_of])) and run_mark.runner_id == runner_id
            if self.conditions.get(run["status"]) is not MachineCondition.GONE
        ]
        return sorted(runs, key=lambda run: int(run["id"]))

    def _owned(self, **narrower: str) -> Iterator[Found]:
        """Returns the runs of this pool."""
        for run in self._runs(**narrower):
            run_mark = read_mark(run.get(self.name_of))
            if run_mark and run_mark.owner == self._owner.key:
                yield run

    def _machine(self, run: Found) -> Machine:
        run_mark = read_mark(run.get(self.name_of))
        runners = self._settings.runners
        return Machine(
            ref=str(run["id"]),
            runner_id=run_mark.runner_id if run_mark else "",
            condition=self.conditions.get(str(run["status"]), MachineCondition.STARTING),
            created_at=datetime.fromisoformat(run["created_at"]),
            expires_at=run_mark.expires_at if run_mark else None,
            offer=self._offer(),
            price_per_hour=runners[0].price_per_hour if len(runners) == 1 else None,
            reason=self._reason(run),
        )

    @abstractmethod
    def _begin(self, request: RunnerRequest, agent: AgentFile, labels: str) -> str:
        """Starts a run and returns its id. `labels` select one of the CI system's runners."""

    @abstractmethod
    def _run(self, ref: str) -> str:
        """Returns the path of a run."""

    @abstractmethod
    def _runs(self, **narrower: str) -> Iterator[Found]:
        """Returns all runs that may be runners of this pool."""

    @abstractmethod
    def _since(self, moment: datetime) -> Mapping[str, str]:
        """Returns the filter that narrows `_runs` to those made since the moment."""

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
