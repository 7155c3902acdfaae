"""GitHub's runners: the workflow `runner_bootstrap/github/cadence-runner.yml` is dispatched for each runner."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from cadence.domain.shared.errors import NotReady, ProviderRejected
from cadence.providers.ci_runs import CiProvider, Found, mark, minutes
from cadence.providers.contract import AgentFile, Check, MachineCondition, RunnerRequest
from cadence.providers.github_actions.settings import GithubSettings
from cadence.providers.probing import checked
from cadence.providers.rest import following_link


class GithubProvider(CiProvider[GithubSettings]):
    """Implements `CiProvider` for runs of GitHub Actions."""

    called = "run on GitHub"
    name_of = "display_title"
    not_over = ("queued", "in_progress", "requested", "waiting", "pending")
    conditions: ClassVar = {"in_progress": MachineCondition.RUNNING, "completed": MachineCondition.GONE}

    def _begin(self, request: RunnerRequest, agent: AgentFile, labels: str) -> str:
        inputs = {
            "mark": mark(self._owner, request),
            "runner": request.runner_id,
            "labels": json.dumps([label.strip() for label in labels.split(",")]),
            "agent_sha256": agent.sha256,
            "minutes": minutes(request),
        }
        body = {"ref": self._settings.ref, "inputs": inputs, "return_run_details": True}
        answer = self._rest.post(f"{self._workflow}/dispatches", body)
        if not answer:  # an older GitHub does not say which run it became
            raise NotReady(f"GitHub does not list the run for {request.runner_id} yet.")
        return str(answer["workflow_run_id"])

    def _run(self, ref: str) -> str:
        return f"{self._settings.actions}/runs/{ref}"

    def _runs(self, **narrower: str) -> Iterator[Found]:
        params = {"event": "workflow_dispatch", "per_page": self._page, "exclude_pull_requests": "true", **narrower}
        for page in self._rest.pages(f"{self._workflow}/runs", params=params, following=following_link):
            yield from page["workflow_runs"]

    def _since(self, moment: datetime) -> Mapping[str, str]:
        return {"created": f">={moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}

    def _jobs(self, run_id: str) -> Sequence[Found]:
        jobs: Sequence[Found] = self._rest.get(f"{self._run(run_id)}/jobs", per_page=1)["jobs"]
        return jobs

    def _log(self, job: Found) -> str | None:
        """Returns the log, which GitHub shows when the job is over."""
        answer = self._rest.call("GET", f"{self._settings.actions}/jobs/{job['id']}/logs")
        if "location" not in answer.headers:
            return None
        return str(self._rest.call_elsewhere(answer.headers["location"]).body)

    def _credentials(self) -> Check:
        hint = "A token with `Actions: read and write` on the repository, or a GitHub App with that right, installed there."
        return checked("credentials", lambda: self._rest.get(f"{self._settings.actions}/runs", per_page=1), hint)

    def _image(self) -> Check:
        needed = f"Commit runner_bootstrap/github/cadence-runner.yml as .github/workflows/{self._settings.workflow}."
        return checked("image", self._look_for_workflow, needed)

    def _look_for_workflow(self) -> None:
        state = self._rest.get(self._workflow)["state"]
        if state != "active":
            raise ProviderRejected(f"the workflow {self._settings.workflow} is {state}")

    def _offer(self) -> str:
        return f"a runner of GitHub for {self._settings.repository}"

    def _reason(self, run: Found) -> str | None:
        status, conclusion = str(run["status"]), run.get("conclusion")
        if conclusion:
            return f"{status}, {conclusion}"
        return None if status == "in_progress" else status

    @property
    def _workflow(self) -> str:
        return f"{self._settings.actions}/workflows/{self._settings.workflow}"
