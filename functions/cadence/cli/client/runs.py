"""Requests about runs."""

import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.cli.client.pipelines import with_programs
from cadence.cli.client.session import ApiSession, Json, path_of

_FINAL = frozenset({"succeeded", "failed", "cancelled", "timed_out"})


def is_final(state: str) -> bool:
    """Whether a run in `state` has ended."""
    return state in _FINAL


class RunRequests(ApiSession):
    """Requests about runs."""

    def run_document(
        self,
        document: str,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        programs: Json | None = None,
        source: bytes | None = None,
        libraries: Json | None = None,
    ) -> str:
        """Starts a run of `document`; returns its id.

        `source` are packed files for its treatments, `libraries` the other files of its repository that it uses.
        """
        body = {**with_programs(document, programs, libraries), "parameters": dict(parameters or {})}
        if source is not None:
            body["source"] = base64.b64encode(source).decode()
        return self._start(self._in_project("runs"), body, key)

    def run_pipeline(
        self, name: str, parameters: Mapping[str, Any] | None = None, version: int | None = None, key: str | None = None
    ) -> str:
        """Starts a run of a stored pipeline; returns its id."""
        body = {"parameters": dict(parameters or {}), "version": version}
        return self._start(self._in_project("pipelines", name, "runs"), body, key)

    def rerun(self, run_id: str, what: str | list[str] = "all") -> str:
        """`what`: `all`, `failed` (and what depends on that), or names of treatments that run again as well."""
        return self._start(path_of("runs", run_id, "rerun"), {"from": what}, None)

    def cancel(self, run_id: str) -> Json:
        return self._call("POST", path_of("runs", run_id, "cancel"), repeatable=True)

    def runs(self, limit: int = 50, **filters: str | None) -> Iterator[Json]:
        """Runs, newest first, at most `limit`. Filters: project, state, pipeline, branch, commit, by, since, until."""
        yield from self._pages(path_of("runs"), limit, filters)

    def count_runs(self, **filters: str | None) -> Json:
        """How many runs are in which state: `counts`, `complete`, and `reached` where it is not complete.

        Filters are those of `runs` but for `state`.
        """
        return self._call("GET", path_of("runs", "counts"), params=filters)

    def run_summaries(self, run_id: str, limit: int) -> list[Any]:
        """Returns the first `limit` summaries that treatments of a run wrote."""
        return list(self._pages(path_of("runs", run_id, "summaries"), limit, {}))

    def following_runs(self, run_id: str) -> list[Any]:
        """All runs that came of a run."""
        return list(self._all_pages(path_of("runs", run_id, "following")))

    def run(self, run_id: str) -> Json:
        """With all its treatments, also where the service tells them page by page."""
        run = self._call("GET", path_of("runs", run_id))
        cursor = run["next"]
        while cursor:
            page = self._call("GET", path_of("runs", run_id), params={"cursor": cursor})
            run["treatments"] += page["treatments"]
            cursor = page["next"]
        return {**run, "next": None}

    def graph(self, run_id: str) -> Json:
        """Whole, also where the service tells it page by page."""
        graph: Json = {"nodes": [], "edges": []}
        cursor = None
        while True:
            page = self._call("GET", path_of("runs", run_id, "graph"), params={"cursor": cursor})
            graph["nodes"] += page["nodes"]
            graph["edges"] += page["edges"]
            cursor = page["next"]
            if cursor is None:
                return {**graph, "critical_path": page["critical_path"]}

    def cost(self, run_id: str) -> Json:
        return self._call("GET", path_of("runs", run_id, "cost"))

    def _start(self, path: str, body: Json, key: str | None) -> str:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return str(self._call("POST", path, body, headers=headers, repeatable=True)["run_id"])
