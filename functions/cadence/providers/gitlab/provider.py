"""GitLab's runners: a pipeline of a project whose `.gitlab-ci.yml` is `runner_bootstrap/gitlab/cadence-runner.yml`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.ci_runs import CiProvider, Found, mark, minutes
from cadence.providers.contract import AgentFile, Check, MachineCondition, RunnerRequest
from cadence.providers.gitlab.settings import GitlabSettings
from cadence.providers.probing import checked
from cadence.providers.rest import following_link


class GitlabProvider(CiProvider[GitlabSettings]):
    """Implements `CiProvider` for pipelines of GitLab."""

    called = "pipeline of GitLab"
    name_of = "name"
    not_over = ("created", "waiting_for_resource", "preparing", "pending", "running")
    conditions: ClassVar = {
        "running": MachineCondition.RUNNING,
        "canceling": MachineCondition.STOPPING,
        "success": MachineCondition.GONE,
        "failed": MachineCondition.GONE,
        "canceled": MachineCondition.GONE,
        "skipped": MachineCondition.GONE,
    }

    def _begin(self, request: RunnerRequest, agent: AgentFile, labels: str) -> str:
        variables = {
            "CADENCE_MARK": mark(self._owner, request),
            "CADENCE_RUNNER": request.runner_id,
            "CADENCE_TAG": labels,
            "CADENCE_IMAGE": self._settings.image,
            "CADENCE_AGENT_SHA256": agent.sha256,
            "CADENCE_MINUTES": minutes(request),
        }
        listed = [{"key": name, "value": value} for name, value in variables.items()]
        pipeline = self._rest.post(f"{self._settings.path}/pipeline", {"ref": self._settings.ref, "variables": listed})
        return str(pipeline["id"])

    def _run(self, ref: str) -> str:
        return f"{self._settings.path}/pipelines/{ref}"

    def _runs(self, **narrower: str) -> Iterator[Found]:
        params = {"source": "api", "per_page": self._page, **narrower}
        for page in self._rest.pages(f"{self._settings.path}/pipelines", params=params, following=following_link):
            yield from page

    def _since(self, moment: datetime) -> Mapping[str, str]:
        return {"updated_after": moment.astimezone(UTC).isoformat(timespec="seconds")}

    def _jobs(self, run_id: str) -> Sequence[Found]:
        jobs: Sequence[Found] = self._rest.get(f"{self._run(run_id)}/jobs", per_page=1)
        return jobs

    def _log(self, job: Found) -> str | None:
        return str(self._rest.get(f"{self._settings.path}/jobs/{job['id']}/trace"))

    def _credentials(self) -> Check:
        hint = "A project access token with the scope `api` and the role Developer (Maintainer, if only those may run pipelines on the branch)."
        return checked("credentials", lambda: self._rest.get(self._settings.path), hint)

    def _image(self) -> Check:
        needed = (
            f"Commit runner_bootstrap/gitlab/cadence-runner.yml as .gitlab-ci.yml on the branch {self._settings.ref}."
        )
        return checked("image", self._look_for_file, needed)

    def _look_for_file(self) -> None:
        file = f"{self._settings.path}/repository/files/.gitlab-ci.yml/raw"
        if "CADENCE_RUNNER" not in str(self._rest.get(file, ref=self._settings.ref)):
            raise ProviderRejected("the project's .gitlab-ci.yml is not the one that starts runners")

    def _offer(self) -> str:
        return f"a runner of GitLab for {self._settings.project}"

    def _reason(self, run: Found) -> str | None:
        status = str(run["status"])
        return None if status == "running" else status
