"""HTTP to git hosts: only to allowed hosts, within bounds of time and size."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from dulwich.client import Urllib3HttpGitClient
from dulwich.errors import NotGitRepository

from cadence.adapters.http.egress_policy import EgressPolicy, guarded_pool
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient

_TIMEOUT = urllib3.Timeout(connect=5, read=10)


def parsed(url: str, reach: EgressPolicy) -> SplitResult:
    """Returns the parsed address.

    Raises InvalidRequest for an address that may not be read, as far as the address itself shows. Where all hosts are
    allowed, files are as well.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidRequest("The repository's address is no URL.") from None
    if parts.username or parts.password:
        raise InvalidRequest(
            "The repository's address holds a name or password. Give the git host an access token instead."
        )
    if parts.scheme == "file" and reach.anywhere:
        return parts
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidRequest("The repository's address has to begin with https:// or http://.")
    return parts


class TransferBudget:
    """Seconds and bytes that one reading may take in all."""

    def __init__(self, seconds: float, size: int) -> None:
        self._until = time.monotonic() + seconds
        self._seconds, self._size, self._left = seconds, size, size

    def spend(self, size: int) -> None:
        """Charges the budget. Raises Transient or TooLarge once it is used up."""
        self._left -= size
        if self._left < 0:
            raise TooLarge(f"More than {self._size >> 20} MiB of the repository would have to be read.")
        if time.monotonic() > self._until:
            raise Transient(f"The git host took longer than {self._seconds:.0f} seconds.")


class BoundedClient(Urllib3HttpGitClient):
    """Dulwich's client for one repository, whose every byte is charged to a budget."""

    def __init__(
        self, url: str, reach: EgressPolicy, budget: TransferBudget, credentials: GitCredentials | None
    ) -> None:
        self._budget = budget
        self._answers: list[Any] = []
        self._discovered: dict[Any, Any] = {}
        if credentials is not None and not (url.startswith("https://") or reach.anywhere):
            raise InvalidRequest("An access token is sent to https:// addresses only.")
        super().__init__(
            url,
            pool_manager=_pool(reach),
            username=credentials.username if credentials else None,
            password=credentials.password if credentials else None,
            thin_packs=False,
            quiet=True,
        )

    def _http_request(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable[[int], bytes]]:
        self._budget.spend(0)
        # Dulwich reads the status itself, and leaves an answer that it refuses open.
        response, read = super()._http_request(*args, **{**kwargs, "raise_for_status": False})
        self._answers.append(response)
        if response.status != 200:
            raise _refusal(response)

        def charged(size: int) -> bytes:
            data = read(size)
            self._budget.spend(len(data))
            return data

        return response, charged

    def _discover_references(self, service: bytes, base_url: str, *args: Any, **kwargs: Any) -> Any:
        """Asks what the repository can do, and for its references, once for all that one reading fetches."""
        key = (service, base_url, repr(args), repr(kwargs))
        if key not in self._discovered:
            self._discovered[key] = super()._discover_references(service, base_url, *args, **kwargs)
        return self._discovered[key]

    def close(self) -> None:
        for answer in self._answers:
            answer.close()
        self.pool_manager.clear()


class NothingHere:
    """Answers dulwich's questions for commits that are here already: there are none."""

    def __next__(self) -> None:
        return None

    def __iter__(self) -> Iterator[None]:
        return self

    def ack(self, sha: bytes) -> None:
        """Is never called: nothing was offered."""

    def nak(self) -> None:
        """Does nothing: the two sides have nothing in common."""


def _refusal(answer: Any) -> Exception:
    match answer.status:
        case 401 | 403 | 404:
            return NotGitRepository()
        case 400 | 405 | 410 | 422:
            return NotFound(f"The git host answers with status {answer.status}: this is no repository of git.")
        case status:
            return Transient(f"The git host answers with status {status}.")


def _pool(reach: EgressPolicy) -> urllib3.PoolManager:
    """Returns a pool that connects anew for each reading."""
    retries = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3)
    return guarded_pool(reach, user_agent="git/2 (cadence)", timeout=_TIMEOUT, retries=retries)
