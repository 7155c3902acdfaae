"""A caller of the running stack: plain HTTP, as any user's script would do it."""

from dataclasses import dataclass
from typing import Any

import requests

from tests.waiting import last_look

FINAL = {"succeeded", "failed", "cancelled", "timed_out"}


@dataclass(frozen=True)
class Api:
    url: str
    token: str

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {"authorization": f"Bearer {self.token}"} | arguments.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=60, **arguments)

    def get(self, path: str, **params: Any) -> Any:
        response = self.call("GET", path, params=params)
        assert response.ok, f"{response.status_code} {response.text}"
        return response.json()

    def withdraw(self, pool: str, body: dict[str, Any]) -> None:
        """Lets a pool serve a project without runs only: other tests' treatments are not to be placed there."""
        made = self.call("POST", "/v1/projects", json={"name": "nobody"})
        assert made.status_code in (201, 409), made.text
        answer = self.call("PUT", f"/v1/pools/{pool}", json={**body, "projects": ["nobody"]})
        assert answer.ok, answer.text

    def start(self, document: dict[str, Any] | str, **parameters: Any) -> str:
        response = self.call("POST", "/v1/projects/default/runs", json={"document": document, "parameters": parameters})
        assert response.status_code == 201, response.text
        return str(response.json()["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.get(f"/v1/runs/{run_id}"))

    def finished(self, run_id: str, within: float = 300) -> dict[str, Any]:
        """The run in its final state; `within` seconds is a bound on a hang, not a measure."""
        return self.until(run_id, lambda run: run["state"] in FINAL, within)

    def until(self, run_id: str, condition: Any, within: float = 300) -> dict[str, Any]:
        run = last_look(
            lambda: self.run(run_id), lambda run: condition(run) or run["state"] in FINAL, within, pause=0.2
        )
        if condition(run):
            return run
        shown = ("state", "pool", "waiting_for", "cause")
        treatments = {one["name"]: {key: one[key] for key in shown if one.get(key)} for one in run["treatments"]}
        raise AssertionError(f"run {run_id} is still {run['state']} ({run['cause']}): {treatments}")

    def lines(self, run_id: str, expected: int = 1, **filters: Any) -> list[dict[str, Any]]:
        """All log lines, once there are `expected`: a run may have ended a moment before its last lines can be read.

        Raises AssertionError if there are never so many.
        """
        found = last_look(lambda: self._lines(run_id, **filters), lambda found: len(found) >= expected, pause=0.2)
        assert len(found) >= expected, found
        return found

    def _lines(self, run_id: str, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = self.get(f"/v1/runs/{run_id}/logs", **(filters | ({"after": after} if after else {})))
            found += page["lines"]
            if not page["more"] and not page["lines"]:
                return found
            after = page["after"]

    def value(self, run_id: str, treatment: str, port: str) -> dict[str, Any]:
        """What is kept of a port's value: digest, size, preview."""
        outputs = self.get(f"/v1/runs/{run_id}/treatments/{treatment}")["outputs"]
        return dict(next(output["value"] for output in outputs if output["port"] == port))

    def content(self, run_id: str, treatment: str, port: str) -> bytes:
        """A port's value in full, read chunk by chunk as any download does."""
        value = f"/v1/runs/{run_id}/values/{self.value(run_id, treatment, port)['sha256']}"
        content = b""
        following: int | None = 0
        while following is not None:
            page = self.get(value, first_chunk=following)
            for chunk in page["chunks"]:
                content += requests.get(chunk["url"], timeout=60).content
            following = page["next_chunk"]
        return content


def states(run: dict[str, Any]) -> dict[str, str]:
    return {treatment["name"]: treatment["state"] for treatment in run["treatments"]}
