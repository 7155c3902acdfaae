"""A double of GitLab's pipelines. What it takes and answers is held against the types of GitLab's own Go client."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.doubles.cloud import Cloud, written
from tests.doubles.described import Description
from tests.fakes.answering import Asked, Reply

TYPES = (
    Path(os.environ.get("CADENCE_PEERS", "~/.cache/cadence-peers")).expanduser() / "gitlab-client-v1.46.0/types.json"
)
HERE = TYPES.is_file()
PROJECT = "acme/runners"
TOKEN = "glpat-planted0123456789abcd"
_API = r"/api/v4/projects/acme%2Frunners"
_OVER = ("success", "failed", "canceled", "skipped")


@cache
def types() -> Mapping[str, Any]:
    """GitLab's own types, by their names."""
    found: dict[str, Any] = json.loads(TYPES.read_text())
    return found


@cache
def described(name: str) -> Description:
    return Description(types()[name])


@dataclass
class Gitlab(Cloud):
    url: str = ""
    branches: tuple[str, ...] = ("main",)
    quota: bool = False
    file: str = "cadence-runner: {script: [echo $CADENCE_RUNNER]}"
    pipelines: dict[int, dict[str, Any]] = field(default_factory=dict)
    variables: dict[int, dict[str, str]] = field(default_factory=dict)
    traces: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.routes = {
            ("GET", _API): self.project,
            ("POST", f"{_API}/pipeline"): self.create,
            ("GET", f"{_API}/pipelines"): self.list_pipelines,
            ("GET", rf"{_API}/pipelines/(?P<id>\d+)"): self.get,
            ("POST", rf"{_API}/pipelines/(?P<id>\d+)/cancel"): self.cancel,
            ("GET", rf"{_API}/pipelines/(?P<id>\d+)/jobs"): self.jobs,
            ("GET", rf"{_API}/jobs/(?P<id>\d+)/trace"): self.trace,
            ("GET", rf"{_API}/repository/files/\.gitlab-ci\.yml/raw"): self.read_file,
        }

    def denies(self, asked: Asked) -> Reply | None:
        return None if asked.headers.get("private-token") == TOKEN else Reply(401, {"message": "401 Unauthorized"})

    def project(self, asked: Asked) -> Reply:
        shown = {"id": 7, "path_with_namespace": PROJECT, "default_branch": "main"}
        described("Project").check(shown)
        return Reply(200, shown)

    def create(self, asked: Asked) -> Reply:
        described("CreatePipeline").check(asked.body)
        if asked.body["ref"] not in self.branches:
            return Reply(400, {"message": {"base": ["Reference not found"]}})
        if self.quota:
            return Reply(400, {"message": {"base": ["No more compute minutes available, quota exceeded"]}})
        number = next(self.numbers)
        given = {one["key"]: one["value"] for one in asked.body["variables"]}
        pipeline = {
            "id": number,
            "iid": number,
            "project_id": 7,
            "status": "created",
            "source": "api",
            "ref": asked.body["ref"],
            "sha": "a" * 40,
            "name": given["CADENCE_MARK"],
            "web_url": f"https://gitlab.example/{PROJECT}/-/pipelines/{number}",
            "created_at": "2026-11-25T10:00:00.000Z",
            "updated_at": "2026-11-25T10:00:00.000Z",
        }
        self.pipelines[number], self.variables[number] = pipeline, given
        return self._pipeline(201, pipeline)

    def list_pipelines(self, asked: Asked) -> Reply:
        unknown = set(asked.params) - set(types()["ListPipelines"]["properties"])
        assert not unknown, f"no parameters: {unknown}"
        found = [
            one
            for number, one in sorted(self.pipelines.items(), reverse=True)
            if number not in self.hidden and asked.params.get("status") in (None, one["status"])
        ]
        size, page = int(asked.params["per_page"]), int(asked.params.get("page", "1"))
        shown = written(found[(page - 1) * size : page * size])
        for one in shown:
            described("PipelineInfo").check(one)
        headers = {}
        if page * size < len(found):
            params = "&".join(
                f"{name}={value.replace('+', '%2B')}" for name, value in asked.params.items() if name != "page"
            )
            headers["link"] = f'<{self.url}{asked.path}?{params}&page={page + 1}>; rel="next"'
        return Reply(200, shown, headers)

    def get(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        one = self.pipelines.get(int(id))
        return self._pipeline(200, one) if one else _missing()

    def cancel(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        one = self.pipelines.get(int(id))
        if one is None:
            return _missing()
        if one["status"] not in _OVER:
            one["status"] = "canceled"
        return self._pipeline(200, one)

    def jobs(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        if int(id) not in self.pipelines:
            return _missing()
        job = {"id": int(id), "name": "cadence-runner", "status": "running", "stage": "test"}
        described("Job").check(job)
        return Reply(200, [job])

    def trace(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        return Reply(200, self.traces.get(int(id), ""))

    def read_file(self, asked: Asked) -> Reply:
        return Reply(200, self.file) if asked.params["ref"] in self.branches else _missing()

    def of(self, runner_id: str) -> list[dict[str, Any]]:
        return [one for one in self.pipelines.values() if re.match(rf"cadence {re.escape(runner_id)} ", one["name"])]

    def _pipeline(self, status: int, body: dict[str, Any]) -> Reply:
        described("Pipeline").check(body)
        return Reply(status, written(body))


def _missing() -> Reply:
    return Reply(404, {"message": "404 Not found"})
