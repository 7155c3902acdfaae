"""Calls a code host's REST API: one call, one JSON answer, refusals as the domain's errors."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from cadence.adapters.http.connection_errors import reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool
from cadence.domain.shared.errors import CadenceError, Forbidden, InvalidRequest, NotFound, Transient

_LARGEST_ANSWER = 4 << 20
_LONGEST_WORDS = 300
_LONGEST_WAIT = 3_600.0
_PER_PAGE = 100


class HostClient:
    """The API of one code host, with the headers that authorize calls.

    `base` is the address of the API, `page_size` its parameter for the number of elements on a page. Answers of 400 and
    above raise: 401 and 403 Forbidden, 404 and 410 NotFound, a rate limit (429, or 403 with the limit's headers), 408
    and 5xx Transient with the wait that the host asks for, everything else InvalidRequest. Messages contain the host's
    own words, never the token.
    """

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        reach: EgressPolicy,
        *,
        page_size: str = "per_page",
        seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base, self._clock, self._page_size = base.rstrip("/"), clock, page_size
        self._headers = {"Accept": "application/json", **headers}
        self._host = urlsplit(base).netloc
        timeout = urllib3.Timeout(connect=min(5.0, seconds), read=seconds)
        self._pool = guarded_pool(reach, user_agent="cadence", timeout=timeout, retries=urllib3.Retry(False))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Returns the JSON of the answer, None if it has none. Redirects are not followed."""
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = dict(self._headers)
        content = None
        if body is not None:
            content, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            with self._pool.request(
                method, url, body=content, headers=headers, redirect=False, preload_content=False
            ) as response:
                answer = response.read(_LARGEST_ANSWER, decode_content=True)
        except EgressRefused as error:
            raise InvalidRequest(str(error)) from None
        except urllib3.exceptions.HTTPError as error:
            if isinstance(error.__cause__, EgressRefused):
                raise InvalidRequest(str(error.__cause__)) from None
            raise Transient(f"{self._host} does not answer: {reason_of(error)}.", retry_after=5.0) from None
        if not 200 <= response.status < 300:
            raise self._refusal(response.status, response.headers, answer, f"{method} {path}")
        return _json(answer)

    def pages(self, path: str, most: int = 10, **query: Any) -> Iterator[Any]:
        """Yields the elements of the lists on the first pages, `most` at most."""
        for page in range(1, most + 1):
            elements = self.call("GET", path, **{"page": page, self._page_size: _PER_PAGE, **query})
            yield from elements if isinstance(elements, list) else ()
            if not elements:
                return

    def _refusal(self, status: int, headers: Mapping[str, str], answer: bytes, call: str) -> CadenceError:
        message = f"{self._host} answers {status} to {call}: {_words(answer) or 'no reason given'}"
        limited = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
        if status in (408, 425, 429) or status >= 500 or (status == 403 and limited):
            return Transient(message, retry_after=self._wait(headers))
        if status in (401, 403):
            return Forbidden(message)
        return NotFound(message) if status in (404, 410) else InvalidRequest(message)

    def _wait(self, headers: Mapping[str, str]) -> float:
        """Returns the seconds to wait, at most an hour: `Retry-After`, or the time at which a rate limit is renewed."""
        after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
        if after.isdecimal():
            return min(float(after), _LONGEST_WAIT)
        if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            return min(max(float(reset) - self._clock(), 1.0), _LONGEST_WAIT)
        return 1.0


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None


def _words(content: bytes) -> str:
    """Returns the host's own reason on one line."""
    answer = _json(content)
    found: Any = content.decode("utf-8", "replace") if answer is None else answer
    if isinstance(answer, dict):
        error = answer.get("error")
        nested = error.get("message") if isinstance(error, dict) else error
        found = answer.get("message") or nested or _listed(answer.get("errors")) or answer
    text = found if isinstance(found, str) else json.dumps(found)
    return " ".join(text.split())[:_LONGEST_WORDS]


def _listed(errors: Any) -> Any:
    """Returns the messages of a list of errors (Bitbucket Data Center) as one text; anything else as it is."""
    messages = [one.get("message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return " ".join(map(str, messages)) if messages and all(messages) else errors
