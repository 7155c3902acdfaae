"""GitHub's runners: the workflow `runner_bootstrap/github/cadence-runner.yml` is dispatched for each runner.

A reference is the id of its run. What a run is given can be read by everybody who may read the repository, so no token
is among it: the job proves to the gateway who it is with an identity token of GitHub, and gets its token in exchange.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from cadence.application.ports import Clock
from cadence.domain.errors import Conflict, NotFound, NotReady, ProviderRejected
from cadence.domain.pacing import Api
from cadence.domain.runner import RunnerState
from cadence.providers.choices import suitable
from cadence.providers.ci_marks import mark, read_mark
from cadence.providers.contract import Check, Condition, Machine, RunnerRequest
from cadence.providers.github_actions.settings import GithubSettings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import Owner
from cadence.providers.probing import checked
from cadence.providers.rest import Rest, all_there, following_link

_NOT_OVER = ("queued", "in_progress", "requested", "waiting", "pending")
_CONDITIONS = {"in_progress": Condition.RUNNING, "completed": Condition.GONE}
# A start is repeated for so long at most; older runs are not looked through for its own.
_REPEATED = timedelta(hours=6)
_CONSOLE = 16 * 1024


class GithubProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: Owner,
        settings: GithubSettings,
        rest: Rest,
        hidden: Hidden,
        clock: Clock,
        api: Api,
        page: int = 100,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._clock, self._api, self._page = clock, api, page

    @property
    def start_api(self) -> Api:
        return self._api

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected("A run on GitHub has to be told where its agent is.")
        made = self._find(request.runner_id)
        if made:
            first, *twins = made
            for twin in twins:
                self.stop(str(twin["id"]))
            return str(first["id"])
        choice = suitable(self._settings.runners, request.needs)[0]
        inputs = {
            "mark": mark(self._owner, request),
            "runner": request.runner_id,
            "labels": json.dumps([label.strip() for label in choice.type.split(",")]),
            "agent_sha256": request.home.agent.sha256,
            "minutes": str(ceil((request.boot_deadline + request.max_duration) / 60) + 10),
        }
        body = {"ref": self._settings.ref, "inputs": inputs, "return_run_details": True}
        with all_there():
            given = self._rest.post(f"{self._workflow}/dispatches", body)
        if not given:  # an older GitHub does not say which run it became
            raise NotReady(f"GitHub does not list the run for {request.runner_id} yet.")
        return str(given["workflow_run_id"])

    def describe(self, ref: str) -> Machine:
        if not ref.isdecimal():
            found = self._find(ref)
            return self._machine(found[0]) if found else Machine(ref, ref, Condition.GONE)
        try:
            return self._machine(self._rest.get(f"{self._settings.actions}/runs/{ref}"))
        except NotFound:
            return Machine(ref, "", Condition.GONE)

    def stop(self, ref: str) -> None:
        for each in [ref] if ref.isdecimal() else [str(run["id"]) for run in self._find(ref)]:
            with suppress(NotFound, Conflict):  # a run that is over is not cancelled
                self._rest.call("POST", f"{self._settings.actions}/runs/{each}/cancel")

    def list_owned(self) -> Sequence[Machine]:
        runs = {run["id"]: run for status in _NOT_OVER for run in self._runs(status=status)}
        return [self._machine(run) for _, run in sorted(runs.items())]

    def probe(self) -> Sequence[Check]:
        hint = "A token with `Actions: read and write` on the repository, or a GitHub App with that right, installed there."
        credentials = checked("credentials", lambda: self._rest.get(f"{self._settings.actions}/runs", per_page=1), hint)
        if credentials.missing:
            return [credentials]
        needed = f"Commit runner_bootstrap/github/cadence-runner.yml as .github/workflows/{self._settings.workflow}."
        return [credentials, checked("image", self._look_for_workflow, needed)]

    def console(self, ref: str) -> str | None:
        """The log of its job, which GitHub shows when the job is over."""
        run_id = ref if ref.isdecimal() else next((str(run["id"]) for run in self._find(ref)), None)
        if run_id is None:
            return None
        try:
            jobs = self._rest.get(f"{self._settings.actions}/runs/{run_id}/jobs", per_page=1)["jobs"]
            if not jobs:
                return None
            answer = self._rest.call("GET", f"{self._settings.actions}/jobs/{jobs[0]['id']}/logs")
            if "location" not in answer.headers:
                return None
            text = str(self._rest.call_elsewhere(answer.headers["location"]).body)
        except NotFound:
            return None
        return self._hidden.cut(text).encode()[-_CONSOLE:].decode("utf-8", "ignore")

    def _find(self, runner_id: str) -> list[Mapping[str, Any]]:
        """Runs of this runner that are not over, the oldest first."""
        since = (self._clock() - _REPEATED).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = [
            run
            for run in self._runs(created=f">={since}")
            if (its := read_mark(run["display_title"])) and its.runner_id == runner_id and run["status"] != "completed"
        ]
        return sorted(found, key=lambda run: int(run["id"]))

    def _runs(self, **narrower: str) -> Iterator[Mapping[str, Any]]:
        """Of this pool. Pages follow one another while runs come and go, so one may be seen twice."""
        params = {"event": "workflow_dispatch", "per_page": self._page, "exclude_pull_requests": "true", **narrower}
        for page in self._rest.pages(f"{self._workflow}/runs", params=params, following=following_link):
            for run in page["workflow_runs"]:
                its = read_mark(run["display_title"])
                if its and its.owner == self._owner.key:
                    yield run

    def _machine(self, run: Mapping[str, Any]) -> Machine:
        its = read_mark(run["display_title"])
        status, conclusion = str(run["status"]), run.get("conclusion")
        choice = self._settings.runners[0]
        return Machine(
            ref=str(run["id"]),
            runner_id=its.runner_id if its else "",
            condition=_CONDITIONS.get(status, Condition.STARTING),
            created_at=datetime.fromisoformat(run["created_at"]),
            expires_at=its.expires_at if its else None,
            offer=f"a runner of GitHub for {self._settings.repository}",
            price_per_hour=choice.price_per_hour if len(self._settings.runners) == 1 else None,
            reason=f"{status}, {conclusion}" if conclusion else status if status != "in_progress" else None,
        )

    def _look_for_workflow(self) -> None:
        state = self._rest.get(self._workflow)["state"]
        if state != "active":
            raise ProviderRejected(f"the workflow {self._settings.workflow} is {state}")

    @property
    def _workflow(self) -> str:
        return f"{self._settings.actions}/workflows/{self._settings.workflow}"
