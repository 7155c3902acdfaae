"""A client of Cadence's API: what it can be asked, each as a method."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.cli.alerting_calls import AlertCalls
from cadence.cli.api_session import ApiError, Json, Unreachable
from cadence.cli.api_session import path_of as _path
from cadence.cli.insight_requests import InsightRequests
from cadence.cli.keeping_calls import KeepingCalls

__all__ = ["ApiError", "Client", "Json", "Unreachable", "is_final"]

_FINAL = frozenset({"succeeded", "failed", "cancelled", "timed_out"})
_LONGEST_WAIT = 2


def is_final(state: str) -> bool:
    return state in _FINAL


class Client(InsightRequests, AlertCalls, KeepingCalls):
    """Starting a run is repeatable, too, since it carries a key.

    Methods return what the API answers (see docs/openapi.json) and raise ApiError or Unreachable.
    """

    # Pipelines

    def validate(self, document: str, programs: Json | None = None) -> Json:
        """`programs` are those that the document names and the project does not have, as `read_program` takes each."""
        return self._call("POST", self._in_project("pipelines:validate"), _with_programs(document, programs))

    def put_pipeline(self, name: str, document: str, programs: Json | None = None) -> Json:
        return self._call("PUT", self._in_project("pipelines", name), _with_programs(document, programs))

    # Programs

    def read_program(self, sent: Json) -> Json:
        """`sent` is `{"content": base64, "filename"}`."""
        return self._call("POST", self._in_project("programs:read"), sent)

    def put_program(self, name: str, sent: Json) -> Json:
        return self._call("PUT", self._in_project("programs", name), sent)

    def programs(self) -> Json:
        return self._call("GET", self._in_project("programs"))["items"]

    def program(self, name: str) -> Json:
        return self._call("GET", self._in_project("programs", name))

    def pipelines(self) -> Json:
        return self._call("GET", self._in_project("pipelines"))["items"]

    def pipeline(self, name: str, version: int | None = None) -> Json:
        return self._call("GET", self._in_project("pipelines", name), params={"version": version})

    # Runs

    def run_document(
        self,
        document: str,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        programs: Json | None = None,
    ) -> str:
        """Starts a run of `document`; returns its id."""
        body = {**_with_programs(document, programs), "parameters": dict(parameters or {})}
        return self._start(self._in_project("runs"), body, key)

    def run_pipeline(
        self, name: str, parameters: Mapping[str, Any] | None = None, version: int | None = None, key: str | None = None
    ) -> str:
        """Starts a run of a stored pipeline; returns its id."""
        body = {"parameters": dict(parameters or {}), "version": version}
        return self._start(self._in_project("pipelines", name, "runs"), body, key)

    def rerun(self, run_id: str, what: str | list[str] = "all") -> str:
        """`what`: `all`, `failed` (and what depends on that), or names of treatments that run again as well."""
        return self._start(_path("runs", run_id, "rerun"), {"from": what}, None)

    def replay(self, run_id: str, treatment: str, pool: str | None = None, offline: bool = False) -> Json:
        """Starts a replay; `run_id` of the answer is its run."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        path = _path("runs", run_id, "treatments", treatment, "replay")
        return self._call("POST", path, {"pool": pool, "offline": offline}, headers=headers, repeatable=True)

    def comparison(self, replay: str) -> Json:
        """A replay, by its run, held against the original."""
        return self._call("GET", _path("runs", replay, "comparison"))

    def replays(self, run_id: str, treatment: str) -> Json:
        return self._call("GET", _path("runs", run_id, "treatments", treatment, "replays"))["items"]

    def replay_kit(self, run_id: str, treatment: str) -> Json:
        return self._call("GET", _path("runs", run_id, "treatments", treatment, "replay-kit"))

    def cancel(self, run_id: str) -> Json:
        return self._call("POST", _path("runs", run_id, "cancel"), repeatable=True)

    def runs(self, limit: int = 50, **filters: str | None) -> Iterator[Json]:
        """Runs, newest first, at most `limit`. Filters: project, state, pipeline."""
        yield from self._pages("runs", limit, filters)

    def following(self, run_id: str) -> list[Any]:
        """All runs that came of a run."""
        found: list[Any] = []
        cursor = None
        while True:
            page = self._call("GET", _path("runs", run_id, "following"), params={"cursor": cursor})
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found

    def run(self, run_id: str) -> Json:
        """With all its treatments, also where the service tells them page by page."""
        run = self._call("GET", _path("runs", run_id))
        cursor = run["next"]
        while cursor:
            page = self._call("GET", _path("runs", run_id), params={"cursor": cursor})
            run["treatments"] += page["treatments"]
            cursor = page["next"]
        return {**run, "next": None}

    def graph(self, run_id: str) -> Json:
        """Whole, also where the service tells it page by page."""
        graph: Json = {"nodes": [], "edges": []}
        cursor = None
        while True:
            page = self._call("GET", _path("runs", run_id, "graph"), params={"cursor": cursor})
            graph["nodes"] += page["nodes"]
            graph["edges"] += page["edges"]
            cursor = page["next"]
            if cursor is None:
                return graph

    def trace(self, run_id: str, port: str, offset: int | None = None) -> Json:
        return self._call("GET", _path("runs", run_id, "trace"), params={"port": port, "offset": offset})

    def provenance(self, run_id: str, *form: str, **query: Any) -> Json:
        """Where something in a run came from or went, as a graph; `form` is `prov` or `openlineage` for those."""
        return self._call("GET", _path("runs", run_id, "provenance", *form), params=query)

    def uses(self, sha256: str, limit: int = 50, cursor: str | None = None) -> Json:
        """Which runs of the project used a value: one page."""
        params = {"limit": min(limit, 200), "cursor": cursor}
        return self._call("GET", self._in_project("values", sha256, "uses"), params=params)

    # Logs

    def logs(
        self,
        run_id: str,
        after: str | None = None,
        wait: float = 0,
        limit: int | None = None,
        treatment: str | None = None,
        grep: str | None = None,
    ) -> Json:
        """One page: `lines`, and `after` to go on from. With `wait` (seconds, at most 2) it waits for the first line."""
        params = {
            "after": after,
            "wait": min(wait, _LONGEST_WAIT) or None,
            "limit": limit,
            "treatment": treatment,
            "grep": grep,
        }
        return self._call("GET", _path("runs", run_id, "logs"), params=params)

    def all_logs(self, run_id: str, follow: bool = False, **filters: Any) -> Iterator[Json]:
        """The lines of a run; with `follow` until it has ended and all its lines have been told."""
        after = None
        ended = False
        while True:
            page = self.logs(run_id, after, wait=_LONGEST_WAIT if follow and not ended else 0, **filters)
            yield from page["lines"]
            after = page["after"] or after
            if page["more"]:
                continue
            if not follow or ended:
                return
            ended = is_final(self.run(run_id)["state"])

    def search_logs(self, query: str, limit: int = 100, project: str | None = None, cursor: str | None = None) -> Json:
        """One page of lines, the newest first: `lines`, `next`, and `reached`, the time down to which it has looked."""
        params = {"q": query, "limit": limit, "project": project, "cursor": cursor}
        return self._call("GET", _path("logs"), params=params)

    def count_logs(
        self, query: str, by: str | None = None, interval: int | None = None, project: str | None = None
    ) -> Json:
        """`interval` is in seconds."""
        params = {"q": query, "by": by, "interval": interval, "project": project}
        return self._call("GET", _path("logs", "counts"), params=params)

    def live_logs(self, query: str, after: str | None = None, wait: float = 0, project: str | None = None) -> Json:
        """Lines that came after the cursor, or from now on: `lines`, `after` to go on from, `more`."""
        params = {"q": query, "after": after, "wait": min(wait, _LONGEST_WAIT) or None, "project": project}
        return self._call("GET", _path("logs", "live"), params=params)

    def live_url(self) -> str:
        """Where lines can be followed by WebSocket."""
        url = str(self._call("GET", _path("live"))["url"])
        return f"ws{self.url.removeprefix('http')}{url}" if url.startswith("/") else url

    # Secrets, tokens, git hosts

    def secrets(self) -> Json:
        return self._call("GET", self._in_project("secrets"))["items"]

    def set_secret(self, name: str, value: str) -> Json:
        return self._call("PUT", self._in_project("secrets", name), {"value": value})

    def delete_secret(self, name: str) -> None:
        self._call("DELETE", self._in_project("secrets", name))

    def tokens(self) -> Json:
        return self._call("GET", _path("tokens"))["items"]

    def create_token(
        self, name: str, permissions: list[str], project: str = "*", expires_in: int | None = None
    ) -> Json:
        body = {"name": name, "permissions": permissions, "project": project, "expires_in": expires_in}
        return self._call("POST", _path("tokens"), body)

    def revoke_token(self, token_id: str) -> None:
        self._call("DELETE", _path("tokens", token_id))

    def githosts(self) -> Json:
        return self._call("GET", _path("githosts"))["items"]

    def add_githost(
        self,
        kind: str,
        name: str,
        webhook_secret: str | None = None,
        url: str | None = None,
        access_token: str | None = None,
        programs: bool = False,
    ) -> Json:
        body: Json = {"kind": kind, "project": self.project, "name": name, "webhook_secret": webhook_secret}
        body |= {"url": url, "access_token": access_token, "programs": programs}
        return self._call("POST", _path("githosts"), body)

    # Environments, approvals, quotas

    def environments(self) -> Json:
        return self._call("GET", self._in_project("environments"))["items"]

    def put_environment(self, name: str, body: Json) -> Json:
        return self._call("PUT", self._in_project("environments", name), body)

    def delete_environment(self, name: str) -> None:
        self._call("DELETE", self._in_project("environments", name))

    def decide(self, run_id: str, treatment: str, decision: str, comment: str = "") -> Json:
        body = {"decision": decision, "comment": comment}
        return self._call("POST", _path("runs", run_id, "treatments", treatment, "approval"), body, repeatable=True)

    def approval_link(self, run_id: str, treatment: str) -> Json:
        return self._call("POST", _path("runs", run_id, "treatments", treatment, "approval-links"))

    def quotas(self) -> Json:
        return self._call("GET", _path("organizations", "quotas"))

    def put_quotas(self, quotas: Json) -> Json:
        return self._call("PUT", _path("organizations", "quotas"), quotas)

    # Exports

    def exports(self) -> Json:
        return self._call("GET", _path("exports"))["items"]

    def export(self, name: str) -> Json:
        return self._call("GET", _path("exports", name))

    def put_export(self, name: str, body: Json) -> Json:
        return self._call("PUT", _path("exports", name), body)

    def delete_export(self, name: str) -> None:
        self._call("DELETE", _path("exports", name))

    def test_export(self, name: str) -> Json:
        return self._call("POST", _path("exports", name, "test"))

    def dead_letters(self, name: str) -> Json:
        return self._call("GET", _path("exports", name, "dead-letters"))["items"]

    def redrive(self, name: str) -> Json:
        return self._call("POST", _path("exports", name, "redrive"))

    def start_backfill(self, name: str, body: Json) -> Json:
        return self._call("POST", _path("exports", name, "backfills"), body)

    def backfills(self, name: str) -> Json:
        return self._call("GET", _path("exports", name, "backfills"))["items"]

    def cost(self, run_id: str) -> Json:
        return self._call("GET", _path("runs", run_id, "cost"))

    # Pools

    def pools(self) -> Json:
        return self._call("GET", _path("pools"))["items"]

    def pool(self, name: str) -> Json:
        return self._call("GET", _path("pools", name))

    def put_pool(self, name: str, body: Json) -> Json:
        return self._call("PUT", _path("pools", name), body)

    def probe_pool(self, name: str) -> Json:
        return self._call("POST", _path("pools", name, "probe"))

    def remove_pool(self, name: str, *, abandon: bool = False) -> None:
        self._call("DELETE", _path("pools", name) + ("?abandon=true" if abandon else ""))

    def hold_runner(self, runner_id: str, minutes: int) -> Json:
        return self._call("POST", _path("runners", runner_id, "hold"), {"minutes": minutes})

    def release_runner(self, runner_id: str) -> Json:
        return self._call("DELETE", _path("runners", runner_id, "hold"))

    def hosts(self) -> Json:
        return self._call("GET", _path("hosts"))["items"]

    def drain_host(self, pool: str, host: str) -> Json:
        return self._call("POST", _path("pools", pool, "hosts", host, "drain"), repeatable=True)

    def resume_host(self, pool: str, host: str) -> Json:
        return self._call("POST", _path("pools", pool, "hosts", host, "resume"), repeatable=True)

    def forget_host(self, pool: str, host: str) -> None:
        self._call("DELETE", _path("pools", pool, "hosts", host))

    def agent_sha256(self) -> str:
        """Of the agent that this installation's machines run."""
        sha256: str = self._call("GET", "/runner/v1/agent")["sha256"]
        return sha256

    def agent(self, sha256: str) -> bytes:
        return b"".join(self._download(f"{self.url}/runner/v1/agent/{sha256}"))

    def runners(self, run_id: str | None = None) -> Json:
        return self._call("GET", _path("runners"), params={"run": run_id})["items"]

    def _in_project(self, *parts: str) -> str:
        return _path("projects", self.project, *parts)

    def _start(self, path: str, body: Json, key: str | None) -> str:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return str(self._call("POST", path, body, headers=headers, repeatable=True)["run_id"])


def _with_programs(document: str, programs: Json | None) -> dict[str, Any]:
    return {"document": document, **({"programs": programs} if programs else {})}
