"""GitLab's runners: a pipeline of a project whose `.gitlab-ci.yml` is `runner_bootstrap/gitlab/cadence-runner.yml`.

A reference is the pipeline's id. Its variables can be read by members of the project, so no token is among them: the job
proves to the gateway who it is with an identity token of GitLab, and gets its token in exchange.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from cadence.application.ports import Clock
from cadence.domain.errors import Conflict, NotFound, ProviderRejected
from cadence.domain.pacing import Api
from cadence.domain.runner import RunnerState
from cadence.providers.choices import suitable
from cadence.providers.ci_marks import mark, read_mark
from cadence.providers.contract import Check, Condition, Machine, RunnerRequest
from cadence.providers.gitlab.settings import GitlabSettings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import Owner
from cadence.providers.probing import checked
from cadence.providers.rest import Rest, all_there, following_link

_NOT_OVER = ("created", "waiting_for_resource", "preparing", "pending", "running")
_CONDITIONS = {
    "running": Condition.RUNNING,
    "canceling": Condition.STOPPING,
    "success": Condition.GONE,
    "failed": Condition.GONE,
    "canceled": Condition.GONE,
    "skipped": Condition.GONE,
}
_REPEATED = timedelta(hours=6)
_CONSOLE = 16 * 1024


class GitlabProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: Owner,
        settings: GitlabSettings,
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
            raise ProviderRejected("A pipeline of GitLab has to be told where its agent is.")
        made = self._find(request.runner_id)
        if made:
            first, *twins = made
            for twin in twins:
                self.stop(str(twin["id"]))
            return str(first["id"])
        choice = suitable(self._settings.runners, request.needs)[0]
        variables = {
            "CADENCE_MARK": mark(self._owner, request),
            "CADENCE_RUNNER": request.runner_id,
            "CADENCE_TAG": choice.type,
            "CADENCE_IMAGE": self._settings.image,
            "CADENCE_AGENT_SHA256": request.home.agent.sha256,
            "CADENCE_MINUTES": str(ceil((request.boot_deadline + request.max_duration) / 60) + 10),
        }
        body = {
            "ref": self._settings.ref,
            "variables": [{"key": name, "value": value} for name, value in variables.items()],
        }
        with all_there():
            return str(self._rest.post(f"{self._settings.path}/pipeline", body)["id"])

    def describe(self, ref: str) -> Machine:
        if not ref.isdecimal():
            found = self._find(ref)
            return self._machine(found[0]) if found else Machine(ref, ref, Condition.GONE)
        try:
            return self._machine(self._rest.get(f"{self._settings.path}/pipelines/{ref}"))
        except NotFound:
            return Machine(ref, "", Condition.GONE)

    def stop(self, ref: str) -> None:
        for each in [ref] if ref.isdecimal() else [str(one["id"]) for one in self._find(ref)]:
            with suppress(NotFound, Conflict):
                self._rest.post(f"{self._settings.path}/pipelines/{each}/cancel")

    def list_owned(self) -> Sequence[Machine]:
        found = {one["id"]: one for status in _NOT_OVER for one in self._pipelines(status=status)}
        return [self._machine(one) for _, one in sorted(found.items())]

    def probe(self) -> Sequence[Check]:
        hint = "A project access token with the scope `api` and the role Developer (Maintainer, if only those may run pipelines on the branch)."
        credentials = checked("credentials", lambda: self._rest.get(self._settings.path), hint)
        if credentials.missing:
            return [credentials]
        needed = (
            f"Commit runner_bootstrap/gitlab/cadence-runner.yml as .gitlab-ci.yml on the branch {self._settings.ref}."
        )
        return [credentials, checked("image", self._look_for_file, needed)]

    def console(self, ref: str) -> str | None:
        """What its job printed so far."""
        pipeline = ref if ref.isdecimal() else next((str(one["id"]) for one in self._find(ref)), None)
        if pipeline is None:
            return None
        try:
            jobs = self._rest.get(f"{self._settings.path}/pipelines/{pipeline}/jobs", per_page=1)
            if not jobs:
                return None
            text = str(self._rest.get(f"{self._settings.path}/jobs/{jobs[0]['id']}/trace"))
        except NotFound:
            return None
        return self._hidden.cut(text).encode()[-_CONSOLE:].decode("utf-8", "ignore")

    def _find(self, runner_id: str) -> list[Mapping[str, Any]]:
        """Pipelines of this runner that are not over, the oldest first."""
        since = (self._clock() - _REPEATED).astimezone(UTC).isoformat(timespec="seconds")
        found = [
            one
            for one in self._pipelines(updated_after=since)
            if (its := read_mark(one["name"])) and its.runner_id == runner_id
            if _CONDITIONS.get(one["status"]) is not Condition.GONE
        ]
        return sorted(found, key=lambda one: int(one["id"]))

    def _pipelines(self, **narrower: str) -> Iterator[Mapping[str, Any]]:
        params = {"source": "api", "per_page": self._page, **narrower}
        path = f"{self._settings.path}/pipelines"
        for page in self._rest.pages(path, params=params, following=following_link):
            for one in page:
                its = read_mark(one.get("name"))
                if its and its.owner == self._owner.key:
                    yield one

    def _machine(self, pipeline: Mapping[str, Any]) -> Machine:
        its = read_mark(pipeline.get("name"))
        status = str(pipeline["status"])
        return Machine(
            ref=str(pipeline["id"]),
            runner_id=its.runner_id if its else "",
            condition=_CONDITIONS.get(status, Condition.STARTING),
            created_at=datetime.fromisoformat(pipeline["created_at"]),
            expires_at=its.expires_at if its else None,
            offer=f"a runner of GitLab for {self._settings.project}",
            price_per_hour=self._settings.runners[0].price_per_hour if len(self._settings.runners) == 1 else None,
            reason=None if status == "running" else status,
        )

    def _look_for_file(self) -> None:
        file = f"{self._settings.path}/repository/files/.gitlab-ci.yml/raw"
        if "CADENCE_RUNNER" not in str(self._rest.get(file, ref=self._settings.ref)):
            raise ProviderRejected("the project's .gitlab-ci.yml is not the one that starts runners")
