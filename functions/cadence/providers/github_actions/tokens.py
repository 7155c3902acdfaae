"""Authorization at GitHub: a token, or a GitHub App with a token for this repository's Actions only."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import jwt
import requests

from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Credentials
from cadence.providers.github_actions.dialect import GithubDialect
from cadence.providers.hidden import Hidden
from cadence.providers.rest import Rest

_HINT = "The pool's credentials are `token`, or `app_id`, `installation_id` and `private_key` of a GitHub App."
_VERSION = {"X-GitHub-Api-Version": "2022-11-28", "Accept": "application/vnd.github+json"}
_ASSERTION = timedelta(minutes=9)
_SOONER = timedelta(minutes=5)


class PlainToken:
    """A fine-grained token: `Actions: read and write` on the repository."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> Mapping[str, str]:
        return {**_VERSION, "Authorization": f"Bearer {self._token}"}


class AppToken:
    """The token of a GitHub App, renewed before it expires."""

    def __init__(
        self,
        credentials: Credentials,
        repository: str,
        url: str,
        hidden: Hidden,
        clock: Clock,
        session: requests.Session | None = None,
        seconds: float = 10.0,
    ) -> None:
        self._credentials, self._repository = credentials, repository.split("/", 1)[-1]
        self._hidden, self._clock = hidden, clock
        self._rest = Rest(url, GithubDialect(), self._as_app, hidden=hidden, session=session, seconds=seconds)
        self._lock = threading.Lock()
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)

    def token(self) -> Mapping[str, str]:
        with self._lock:
            if not self._token or self._clock() >= self._until:
                self._fetch()
            return {**_VERSION, "Authorization": f"Bearer {self._token}"}

    def _fetch(self) -> None:
        scope = {"repositories": [self._repository], "permissions": {"actions": "write"}}
        answer = self._rest.post(f"app/installations/{self._credentials['installation_id']}/access_tokens", scope)
        self._hidden.add(answer["token"])
        self._token = answer["token"]
        self._until = datetime.fromisoformat(answer["expires_at"]) - _SOONER

    def _as_app(self) -> Mapping[str, str]:
        now = self._clock()
        claims = {
            # Clocks differ: GitHub rejects an assertion from its future.
            "iat": int((now - timedelta(minutes=1)).timestamp()),
            "exp": int((now + _ASSERTION).timestamp()),
            "iss": self._credentials["app_id"],
        }
        try:
            assertion = jwt.encode(claims, self._credentials["private_key"], algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ProviderRejected(
                "`private_key` of the pool's credentials is no private key of a GitHub App."
            ) from None
        self._hidden.add(assertion)
        return {**_VERSION, "Authorization": f"Bearer {assertion}"}


def tokens(
    credentials: Credentials,
    repository: str,
    url: str,
    hidden: Hidden,
    clock: Clock,
    session: requests.Session | None = None,
    seconds: float = 10.0,
) -> PlainToken | AppToken:
    """Returns the authorization. Raises ProviderRejected if the credentials lack something."""
    hidden.add(*(credentials.get(name, "") for name in ("token", "private_key")))
    if credentials.get("token"):
        return PlainToken(credentials["token"])
    if all(credentials.get(name) for name in ("app_id", "installation_id", "private_key")):
        return AppToken(credentials, repository, url, hidden, clock, session, seconds)
    raise ProviderRejected(_HINT)
