"""The HTTP session of the client: retries, errors, and answers as plain JSON values."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

Json = Any

_SAFE = frozenset({"GET", "PUT", "DELETE"})
_PIECE = 1024 * 1024
_SEARCHED = 200
"""Newest runs among which a part of an id is looked up."""
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
        self, url: str, token: str, project: str = "default", timeout: float = 30, organization: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.project = project
        self.token = token
        self._timeout = timeout
        self._named_runs: dict[str, str] = {}
        self._safe = _session(token, _SAFE, organization)
        self._repeatable = _session(token, _SAFE | {"POST"}, organization)

    def _in_project(self, *parts: str) -> str:
        return path_of("projects", self.project, *parts)

    def _pages(self, name: str, limit: int, filters: Mapping[str, Any]) -> Iterator[Json]:
        cursor, left = None, limit
        while left > 0:
            page = self._call("GET", path_of(name), params={**filters, "limit": min(left, 200), "cursor": cursor})
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
        session = self._repeatable if repeatable else self._safe
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = session.request(
                method, self.url + path, json=body, params=given, headers=headers, timeout=self._timeout
            )
        except requests.RequestException as error:
            raise Unreachable(f"{self.url} cannot be reached ({_reason(error)}).") from error
        if response.status_code >= 400:
            raise ApiError(response.status_code, _problem(response))
        return response.json() if response.content else None

    def _with_whole_run_id(self, path: str) -> str:
        """The path with the id of the run that `@last`, `@failed` or a part of an id names."""
        found = _NAMED_RUN.match(path)
        if found is None:
            return path
        whole = self._run_by_name(unquote(found["named"]))
        return path[: found.start("named")] + whole + path[found.end("named") :]

    def _whole_run_id(self, text: str) -> str:
        """The id of the run that `@last`, `@failed` or a part of an id names; any other text as it is."""
        return self._with_whole_run_id(path_of("runs", text)).rpartition("/")[2]

    def _run_by_name(self, named: str) -> str:
        if named not in self._named_runs:
            self._named_runs[named] = self._run_named(named)
        return self._named_runs[named]

    def _run_named(self, named: str) -> str:
        filters = {"@failed": {"state": "failed"}}.get(named, {})
        runs = [run["run_id"] for run in self._pages("runs", 1 if named.startswith("@") else _SEARCHED, filters)]
        if named in {"@last", "@failed"}:
            if runs:
                return str(runs[0])
            raise ApiError(404, {"detail": f"There is no run that {named} could name."})
        matching = [run_id for run_id in runs if run_id.startswith(named) or run_id.endswith(named)]
        if len(matching) == 1:
            return str(matching[0])
        if matching:
            some = ", ".join(matching[:5])
            raise ApiError(
                404, {"detail": f"{named} is not unique: {len(matching)} runs have it ({some}). Write more."}
            )
        return named

    def _download(self, url: str) -> Iterator[bytes]:
        """Downloads without the token, since the address itself is the permission."""
        try:
            with requests.get(url, stream=True, timeout=self._timeout) as response:
                if response.status_code >= 400:
                    raise ApiError(response.status_code, {"detail": "The value's content is no longer kept."})
                yield from response.iter_content(_PIECE)
        except requests.RequestException as error:
            raise Unreachable(f"The value cannot be downloaded ({_reason(error)}).") from error


def path_of(*parts: str) -> str:
    """The path of a resource below /v1, with its parts quoted."""
    return "/v1/" + "/".join(quote(part, safe=":*") for part in parts)


def _session(token: str, repeated: frozenset[str], organization: str | None) -> requests.Session:
    retry = Retry(
        total=5,
        backoff_factor=0.2,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods=repeated,
        raise_on_status=False,
        respect_retry_after_header=True,
    )
    session = requests.Session()
    session.trust_env = False  # a .netrc must not replace the token
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    if organization:
        session.headers["Cadence-Organization"] = organization
    session.mount("http://", HTTPAdapter(max_retries=retry))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _problem(response: requests.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return problem
    return {"title": f"HTTP status {response.status_code}", "detail": response.text[:500]}


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
