"""Calls an infrastructure's HTTP API without an SDK: one call, one answer, errors as decisions.

The meaning of an answer is decided in one place for all of them (`Rest.call`):

    401, 403                        ProviderRejected: the credentials, or their rights
    404                             NotFound
    409                             Conflict: it exists already, or is being changed
    429, 403 of a rate limit        Transient, after `Retry-After`
    5xx, no answer in time, broken  Transient
    words of capacity or quota      CapacityExhausted (`Dialect.decide`)
    anything else from 400 on       ProviderRejected

Messages hold the infrastructure's own words, and never a credential: all values in `Hidden` are cut out of them.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.shared.errors import CadenceError, Conflict, NotFound, ProviderRejected, Transient
from cadence.providers.contract import PacedCalls
from cadence.providers.hidden import Hidden

LONGEST_WORDS = 400
_LARGEST_ANSWER = 16 * 1024 * 1024
_LONGEST_WAIT = 3_600.0
_PIECE = 65_536


@dataclass(frozen=True)
class RestResponse:
    """An answer. `body` is the JSON, or the text if it is none; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def retry_after(self) -> float | None:
        """The seconds to wait, at most an hour; None if the answer does not say.

        Some answers name the second at which a new window begins.
        """
        wait = _retry_after(self.headers.get("retry-after", ""))
        for prefix in ("x-ratelimit", "ratelimit"):
            reset = self.headers.get(f"{prefix}-reset", "")
            if wait is None and self.headers.get(f"{prefix}-remaining") == "0" and reset.isdecimal():
                wait = _bounded(int(reset) - datetime.now(UTC).timestamp())
        return wait


@dataclass(frozen=True)
class Refusal:
    """An answer from 400 on, as the dialect of the infrastructure reads it: a stable `code`, and its message."""

    status: int
    code: str
    words: str


class Dialect(Protocol):
    """Reads the refusals of one infrastructure."""

    name: str

    def read(self, answer: RestResponse) -> Refusal:
        """Returns the refusal in an answer from 400 on. Must not raise for any body."""

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        """Returns the error that it means, None for the one of the status."""


class Rest:
    """The HTTP client of one pool. `authorize` gives the headers of a call and may itself call out for a token.

    `turns` are the rate limiter and the API: reads wait for a turn (starts have waited before), and a 429 is reported.
    """

    def __init__(
        self,
        base: str,
        dialect: Dialect,
        authorize: Callable[[], Mapping[str, str]],
        *,
        hidden: Hidden,
        session: requests.Session | None = None,
        seconds: float = 10.0,
        turns: tuple[PacedCalls, LimitedApi] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base.rstrip("/") + "/"
        self._dialect, self._authorize, self._hidden = dialect, authorize, hidden
        self._session = session or quiet_session()
        self._seconds, self._turns, self._clock = seconds, turns, clock

    def get(self, path: str, **params: Any) -> Any:
        """Returns the body of a GET. Raises the errors of `call`."""
        return self.call("GET", path, params=params).body

    def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """Returns the body of a POST with JSON. Raises the errors of `call`."""
        return self.call("POST", path, body=body, params=params).body

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """Makes one call. Raises the errors in the module's table.

        `path` is below the base, or a whole URL at the same host. `body` is sent as JSON, `data` as it is. A redirect
        is an answer and not followed: credentials are never sent elsewhere.
        """
        url = self._url(path)
        if self._turns and method == "GET":
            calls, api = self._turns
            calls.call(api)
        sent = {"Accept": "application/json", **(headers or {}), **self._authorize()}
        answer = self.exchange(method, url, params=_present(params), json=body, data=data, headers=sent)
        if answer.status >= 400:
            raise self._error(answer, f"{method} {urlsplit(url).path}")
        return answer

    def call_elsewhere(self, url: str, limit: int = _LARGEST_ANSWER) -> RestResponse:
        """Reads a signed address that the infrastructure has named, without credentials. At most `limit` bytes."""
        answer = self.exchange("GET", url, headers={"Accept": "*/*"}, limit=limit)
        if answer.status >= 400:
            raise self._error(answer, f"GET {urlsplit(url).hostname}")
        return answer

    def pages(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        following: Callable[[RestResponse, int], Mapping[str, Any] | str | None],
        most: int = 1_000,
    ) -> Iterator[Any]:
        """Returns the body of each page. Raises Transient if there are more than `most`.

        `following` returns, for an answer and the number of pages so far, what leads to the next page: parameters, a
        URL at the same host, or None after the last.
        """
        query: dict[str, Any] = dict(params or {})
        for number in range(1, most + 1):
            answer = self.call("GET", path, params=query)
            yield answer.body
            next_page = following(answer, number)
            if next_page is None:
                return
            if isinstance(next_page, str):
                path, query = next_page, {}
            else:
                query |= next_page
        raise Transient(f"{self._dialect.name}: {path} has more than {most} pages.")

    def exchange(self, method: str, url: str, *, limit: int = _LARGEST_ANSWER, **options: Any) -> RestResponse:
        """Makes one exchange and returns any status. Raises Transient if there was no whole answer."""
        host = urlsplit(url).hostname
        until = self._clock() + self._seconds
        try:
            with self._session.request(
                method,
                url,
                timeout=(min(5.0, self._seconds), self._seconds),
                allow_redirects=False,
                stream=True,
                **options,
            ) as response:
                content = self._read(response, until, limit)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return RestResponse(response.status_code, headers, _parsed(content, headers.get("content-type", "")))
        except requests.exceptions.InvalidURL as error:
            # Also raised for a host that the installation's egress policy excludes.
            raise ProviderRejected(f"{self._dialect.name}: {self._hidden.cut(str(error))}") from None
        except requests.Timeout:
            raise self._no_answer(f"{host} did not answer within {self._seconds:g} seconds") from None
        except requests.RequestException as error:
            raise self._no_answer(f"{host} does not answer: {_reason(error)}") from None

    def _read(self, response: requests.Response, until: float, limit: int) -> bytes:
        content = bytearray()
        for piece in response.iter_content(_PIECE):
            content += piece
            if len(content) > limit:
                raise requests.ConnectionError("the answer is too large")
            if self._clock() > until:
                raise requests.Timeout
        return bytes(content)

    def _url(self, path: str) -> str:
        url = path if "://" in path else self._base + path.lstrip("/")
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise ProviderRejected(f"{self._dialect.name} points to another host than its own.")
        return url

    def _error(self, answer: RestResponse, request: str) -> CadenceError:
        refusal = self._dialect.read(answer)
        text = self._hidden.cut(" ".join(refusal.words.split()))[:LONGEST_WORDS] or "no reason given"
        code = self._hidden.cut(refusal.code)
        message = f"{self._dialect.name}: {text} ({code + ', ' if code else ''}{answer.status} for {self._hidden.cut(request)})"
        kind = self._dialect.decide(refusal, answer) or _by_status(answer)
        details = {"status": answer.status, "reason": code}
        if issubclass(kind, Transient):
            if self._turns and answer.status < 500:
                calls, api = self._turns
                calls.refused(api, answer.retry_after)
            return kind(message, retry_after=answer.retry_after or 1.0, **details)
        return kind(message, **details)

    def _no_answer(self, message: str) -> Transient:
        return Transient(f"{self._dialect.name}: {self._hidden.cut(message)}")


def quiet_session() -> requests.Session:
    """Returns a session that ignores the process's environment: no proxy, no `.netrc`."""
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = "cadence"
    return session


@contextmanager
def all_there() -> Iterator[None]:
    """Wraps a call that makes something: if it names a missing image or network, it never works like this.

    Raises ProviderRejected instead of NotFound.
    """
    try:
        yield
    except NotFound as error:
        raise ProviderRejected(error.message, **error.details) from None


def mentions(refusal: Refusal, phrases: Sequence[str]) -> bool:
    """Returns whether the refusal contains one of the phrases (lower case)."""
    text = f"{refusal.code} {refusal.words}".lower()
    return any(phrase in text for phrase in phrases)


def following_link(answer: RestResponse, _: int) -> str | None:
    """Returns the next page in `Link: <…>; rel="next"` (RFC 8288), or None."""
    for link in requests.utils.parse_header_links(answer.headers.get("link", "")):
        if link.get("rel") == "next":
            return str(link["url"])
    return None


def _by_status(answer: RestResponse) -> type[CadenceError]:
    match answer.status:
        case 404 | 410:
            return NotFound
        case 409:
            return Conflict
        case 408 | 425 | 429:
            return Transient
        case status if status >= 500:
            return Transient
    return ProviderRejected


def _present(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _parsed(content: bytes, kind: str) -> Any:
    text = content.decode("utf-8", "replace")
    if "json" not in kind:
        return text
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _retry_after(value: str) -> float | None:
    if value.isdecimal():
        return _bounded(float(value))
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return _bounded((at.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _bounded(wait: float) -> float:
    return min(max(wait, 0.0), _LONGEST_WAIT)


def _reason(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not valid"
        case requests.exceptions.ConnectionError() if "too large" in str(error):
            return "the answer is too large"
        case requests.exceptions.ConnectionError() if "resolve" in str(error):
            return "its name is not known"
    return "no connection, or it broke"
