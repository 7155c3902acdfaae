"""The HTTP session of the client: retries, errors, and answers as plain JSON values.

It uses urllib3, which every command imports in half the time of requests.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

import certifi
import urllib3
from urllib3.util.retry import Retry

from cadence.cli.client.short_ids import unique_endings

Json = Any

_SAFE = frozenset({"GET", "PUT", "DELETE"})
_PIECE = 1024 * 1024
_LATE, _LOST = "no answer in time", "no connection"
_SEARCHED = 200
"""Newest runs among which a part of an id is looked up."""
_FIRST_LOOKED_AT = 10
"""Runs that one request for `@last` reads: the newest is seldom a replay, or a run that another one started."""
_NAMED_RUN = re.compile(r"/v1/runs/(?P<named>%40last|%40failed|@last|@failed|[0-9a-z]{4,25})(?=/|$)")


class ApiError(Exception):
    """The API refused.

    `problem` is its problem document (RFC 9457), with `findings` or `violations` where there are any.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or f"HTTP status {status}")
        self.status = status
        self.problem = problem


class Unreachable(Exception):
    """The API could not be reached, or did not answer."""


class ApiSession:
    """Sends requests.

    Safe requests are repeated after lost connections and 429, 502, 503 and 504; POST only if `repeatable`.
    """

    def __init__(
        self, url: str, token: str, project: str | None = None, timeout: float = 30, organization: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.project = project or "default"
        self._chosen_project = project
        self.token = token
        self._timeout = timeout
        self._until: float | None = None
        self._named_runs: dict[str, str] = {}
        self._headers = _headers(token, organization)
        self._pool = urllib3.PoolManager(maxsize=10, ca_certs=certifi.where())

    def limit_waiting(self, seconds: float) -> None:
        """Lets all requests from now on wait `seconds` in all, without a second try."""
        self._until = time.monotonic() + seconds

    def _in_project(self, *parts: str) -> str:
        return path_of("projects", self.project, *parts)

    def _all_pages(self, path: str) -> Iterator[Json]:
        """Yields the items of all pages, which have the size that the API gives them."""
        cursor: str | None = None
        while True:
            page = self._call("GET", path, params={"cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _pages(self, path: str, limit: int, filters: Mapping[str, Any], page_size: int = 200) -> Iterator[Json]:
        cursor, left = None, limit
        while left > 0:
            size = min(left, page_size)
            page = self._call("GET", path, params={**filters, "limit": size, "cursor": cursor})
            yield from page["items"]
            left -= len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def _call(
        self,
        method: str,
        path: str,
        body: Json = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Json:
        path = self._with_whole_run_id(path)
        given = {name: value for name, value in (params or {}).items() if value is not None}
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            response = self._pool.request(
                method,
                self.url + path + ("?" + urlencode(given, doseq=True) if given else ""),
                body=None if body is None else json.dumps(body, allow_nan=False).encode(),
                headers=sent,
                timeout=self._timeout if self._until is None else max(0.01, self._until - time.monotonic()),
                retries=_retries(_SAFE | {"POST"} if repeatable else _SAFE) if self._until is None else False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{self.url} cannot be reached ({_reason(error)}).") from error
        if response.status >= 400:
            raise ApiError(response.status, _problem(response))
        return response.json() if response.data else None

    def _with_whole_run_id(self, path: str) -> str:
        """The path with the id of the run that `@last`, `@failed` or a part of an id names."""
        found = _NAMED_RUN.match(path)
        if found is None:
            return path
        whole = self._run_by_name(unquote(found["named"]))
        return path[: found.start("named")] + whole + path[found.end("named") :]

    def whole_run_id(self, text: str) -> str:
        """The id of the run that `@last`, `@failed` or a part of an id names; any other text as it is."""
        return self._with_whole_run_id(path_of("runs", text)).rpartition("/")[2]

    def _run_by_name(self, named: str) -> str:
        if named not in self._named_runs:
            self._named_runs[named] = self._run_named(named)
        return self._named_runs[named]

    def _run_named(self, named: str) -> str:
        if named in {"@last", "@failed"}:
            return self._newest_run(named)
        runs = [run["run_id"] for run in self._pages(path_of("runs"), _SEARCHED, {})]
        matching = [run_id for run_id in runs if run_id.startswith(named) or run_id.endswith(named)]
        if len(matching) == 1:
            return str(matching[0])
        if matching:
            ends = unique_endings(runs)
            some = ", ".join(f"{ends[run_id]} ({run_id})" for run_id in matching[:5])
            rest = f" and {len(matching) - 5} more" if len(matching) > 5 else ""
            detail = f"{named} is not unique: {len(matching)} runs have it. Name one by its end: {some}{rest}."
            raise ApiError(404, {"detail": detail})
        return named

    def _newest_run(self, named: str) -> str:
        """The id of the newest run, or the newest failed one, that is no replay and that no other run started.

        It keeps to the project that was chosen, if any.
        """
        filters = {"project": self._chosen_project, "state": "failed" if named == "@failed" else None}
        for run in self._pages(path_of("runs"), _SEARCHED, filters, page_size=_FIRST_LOOKED_AT):
            if not run["started_by_run"] and not run["replay_of"]:
                return str(run["run_id"])
        where = f" in project {self._chosen_project}" if self._chosen_project else ""
        raise ApiError(404, {"detail": f"There is no run{where} that {named} could name."})

    def _download(self, url: str) -> Iterator[bytes]:
        """Downloads without the token, since the address itself is the permission."""
        import requests  # slow to import, and needed for downloads only

        try:
            with requests.get(url, stream=True, timeout=self._timeout) as response:
                if response.status_code >= 400:
                    raise ApiError(response.status_code, {"detail": "The value's content is no longer kept."})
                yield from response.iter_content(_PIECE)
        except requests.RequestException as error:
            late = isinstance(error, requests.Timeout)
            reason = _LATE if late else _LOST if isinstance(error, requests.ConnectionError) else type(error).__name__
            raise Unreachable(f"The value cannot be downloaded ({reason}).") from error


def path_of(*parts: str) -> str:
    """The path of a resource below /v1, with its parts quoted."""
    return "/v1/" + "/".join(quote(part, safe=":*") for part in parts)


def _headers(token: str, organization: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if organization:
        headers["Cadence-Organization"] = organization
    return headers


def _retries(repeated: frozenset[str]) -> Retry:
    """What refuses connections is told after a second: hardly ever does it begin to answer while a command waits."""
    return Retry(
        total=5,
        connect=3,
        backoff_factor=0.2,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=repeated,
        raise_on_status=False,
        respect_retry_after_header=True,
    )


def _problem(response: urllib3.BaseHTTPResponse) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return problem
    text = response.data.decode("utf-8", "replace")
    return {"title": f"HTTP status {response.status}", "detail": text[:500]}


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return "no host has this name"
    if isinstance(cause, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ProtocolError)):
        return _LOST  # before the next line: urllib3's NewConnectionError is a TimeoutError, too
    if isinstance(cause, urllib3.exceptions.TimeoutError):
        return _LATE
    if isinstance(cause, urllib3.exceptions.SSLError):
        return f"TLS: {cause}"
    return str(cause) or _LOST
