"""A double of GitHub's Actions, held against GitHub's own OpenAPI document."""

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.cloud import Cloud, written
from tests.doubles.openapi import OpenApi
from tests.fakes.answering import Asked, Reply

DOCUMENT = Path(os.environ.get("CADENCE_PEERS", "~/.cache/cadence-peers")).expanduser() / "octokit-openapi-23.0.2"
HERE = DOCUMENT.is_dir()
REPOSITORY = "acme/runners"
TOKEN = "github_pat_planted0123456789abcdefghij"
APP_TOKEN = "ghs_of_the_installation_0123456789abcdef"
_REPO = f"/repos/{REPOSITORY}/actions"
_WORKFLOW = rf"{_REPO}/workflows/(?P<workflow>[\w.-]+)"


@cache
def app_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def app_pem() -> str:
    return (
        app_key()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        .decode()
    )


@cache
def openapi() -> OpenApi:
    return OpenApi(DOCUMENT / "api.github.com.json")


@dataclass
class Github(Cloud):
    """`details` is whether a dispatch says which run it became. `logs` are of jobs that are over."""

    url: str = ""
    details: bool = True
    workflows: tuple[str, ...] = ("cadence-runner.yml",)
    state: str = "active"
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    inputs: dict[int, dict[str, str]] = field(default_factory=dict)
    logs: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    tokens: int = 0
    token_until: str = "2026-11-25T11:00:00Z"

    def __post_init__(self) -> None:
        self.routes = {
            ("POST", "/app/installations/7/access_tokens"): self.token,
            ("GET", _WORKFLOW): self.workflow,
            ("POST", f"{_WORKFLOW}/dispatches"): self.dispatch,
            ("GET", f"{_WORKFLOW}/runs"): self.list_runs,
            ("GET", f"{_REPO}/runs"): self.list_runs,
            ("GET", rf"{_REPO}/runs/(?P<id>\d+)"): self.get,
            ("POST", rf"{_REPO}/runs/(?P<id>\d+)/cancel"): self.cancel,
            ("GET", rf"{_REPO}/runs/(?P<id>\d+)/jobs"): self.jobs,
            ("GET", rf"{_REPO}/jobs/(?P<id>\d+)/logs"): self.job_logs,
            ("GET", r"/signed/(?P<id>\d+)"): self.signed,
        }

    def denies(self, asked: Asked) -> Reply | None:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if asked.path.startswith("/signed/"):
            return None
        if asked.path.startswith("/app/"):
            try:
                claims = jwt.decode(token, app_key().public_key(), algorithms=["RS256"], options={"verify_exp": False})
            except jwt.InvalidTokenError:
                return Reply(401, {"message": "A JSON web token could not be decoded"})
            assert claims["iss"] == "123" and claims["exp"] - claims["iat"] <= 600
            return None
        if token in (TOKEN, APP_TOKEN):
            return None
        return Reply(
            401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
        )

    def serve(self, asked: Asked) -> Reply:
        if asked.path.startswith("/signed/"):
            return super().serve(asked)
        return openapi().hold(asked, partial(super().serve, asked), self.wrong)

    def token(self, asked: Asked) -> Reply:
        assert asked.body == {"repositories": ["runners"], "permissions": {"actions": "write"}}
        self.tokens += 1
        given = {"token": APP_TOKEN, "expires_at": self.token_until, "permissions": {"actions": "write"}}
        return Reply(201, given)

    def workflow(self, asked: Asked, workflow: str) -> Reply:
        if workflow not in self.workflows:
            return _missing()
        return Reply(200, {**openapi().example("workflow"), "state": self.state})

    def dispatch(self, asked: Asked, workflow: str) -> Reply:
        if workflow not in self.workflows:
            return _missing()
        inputs = asked.body["inputs"]
        assert set(inputs) == {"mark", "runner", "labels", "agent_sha256", "minutes"}
        assert all(isinstance(value, str) for value in inputs.values()) and isinstance(
            json.loads(inputs["labels"]), list
        )
        run_id = 30_000_000 + next(self.numbers)
        run = openapi().example("workflow-run")
        run |= {
            "id": run_id,
            "display_title": inputs["mark"],
            "event": "workflow_dispatch",
            "status": "queued",
            "conclusion": None,
            "created_at": "2026-11-25T10:00:00Z",
            "path": f".github/workflows/{workflow}",
        }
        self.runs[run_id], self.inputs[run_id] = run, inputs
        if not self.details:
            return Reply(204)
        there = {
            "workflow_run_id": run_id,
            "run_url": f"{self.url}{_REPO}/runs/{run_id}",
            "html_url": f"https://github.com/{REPOSITORY}/actions/runs/{run_id}",
        }
        return Reply(200, there)

    def list_runs(self, asked: Asked, workflow: str = "") -> Reply:
        found = [
            run
            for run_id, run in sorted(self.runs.items(), reverse=True)
            if run_id not in self.hidden
            and asked.params.get("status") in (None, run["status"])
            and run["created_at"] >= asked.params.get("created", "").removeprefix(">=")
        ]
        size, page = int(asked.params["per_page"]), int(asked.params.get("page", "1"))
        headers = {}
        if page * size < len(found):
            params = "&".join(
                f"{name}={value}" for name, value in asked.params.items() if name not in ("page", "created")
            )
            created = f"&created=%3E%3D{asked.params['created'][2:]}" if "created" in asked.params else ""
            headers["link"] = f'<{self.url}{asked.path}?{params}{created}&page={page + 1}>; rel="next"'
        body = {"total_count": len(found), "workflow_runs": written(found[(page - 1) * size : page * size])}
        return Reply(200, body, headers)

    def get(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        run = self.runs.get(int(id))
        return Reply(200, written(run)) if run else _missing()

    def cancel(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        run = self.runs.get(int(id))
        if run is None:
            return _missing()
        if run["status"] == "completed":
            return Reply(409, {"message": "Cannot cancel a workflow run that is completed."})
        run |= {"status": "completed", "conclusion": "cancelled"}
        return Reply(202, {})

    def jobs(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        if int(id) not in self.runs:
            return _missing()
        return Reply(
            200,
            {
                "total_count": 1,
                "jobs": [{**openapi().example("job"), "id": int(id), "created_at": "2026-11-25T10:00:00Z"}],
            },
        )

    def job_logs(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        if int(id) not in self.logs:
            return _missing()
        return Reply(302, None, {"location": f"{self.url}/signed/{id}"})

    def signed(self, asked: Asked, id: str) -> Reply:  # noqa: A002
        assert "authorization" not in asked.headers
        return Reply(200, self.logs[int(id)])

    def of(self, runner_id: str) -> list[dict[str, Any]]:
        return [
            run for run in self.runs.values() if re.match(rf"cadence {re.escape(runner_id)} ", run["display_title"])
        ]


def _missing() -> Reply:
    return Reply(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})
