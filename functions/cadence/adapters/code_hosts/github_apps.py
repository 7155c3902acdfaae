"""GitHub Apps (REST API, version 2022-11-28): their registration, installations, tokens and webhook."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from cadence.adapters.code_hosts.code_hosts import guarded_client
from cadence.adapters.code_hosts.github import HEADERS, redeliver_failed
from cadence.adapters.code_hosts.host_client import HostClient
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.repositories.github_app_ports import AppHost, InstallationToken, RegisteredApp
from cadence.domain.repositories.github_app import AppInstallation
from cadence.domain.shared.errors import InvalidRequest, Violation

# GitHub accepts ten minutes at most, and clocks differ.
_ASSERTED = timedelta(minutes=8)
_EARLIER = timedelta(minutes=1)


class GuardedAppHosts:
    """Implements AppHosts, restricted by the installation's egress policy."""

    def __init__(self, reach: EgressPolicy, clock: Callable[[], datetime]) -> None:
        self._reach, self._clock = reach, clock

    def register(self, api_url: str, code: str) -> RegisteredApp:
        client = guarded_client(api_url, HEADERS, self._reach)
        found = client.call("POST", f"/app-manifests/{quote(code, safe='')}/conversions")
        return RegisteredApp(
            number=found["id"],
            slug=found["slug"],
            name=found["name"],
            url=found["html_url"],
            webhook_secret=found["webhook_secret"],
            private_key=found["pem"],
        )

    def open(self, api_url: str, number: int, private_key: str) -> AppHost:
        assertion = _assertion(number, private_key, self._clock())
        headers = {**HEADERS, "Authorization": f"Bearer {assertion}"}
        return GitHubAppHost(guarded_client(api_url, headers, self._reach))


class GitHubAppHost:
    """Implements AppHost. `client` sends the App's assertion."""

    def __init__(self, client: HostClient) -> None:
        self._client = client

    def find_installation(self, repository: str) -> AppInstallation:
        found = self._client.call("GET", f"/repos/{repository}/installation")
        return AppInstallation(
            installation_id=found["id"],
            permissions={name: str(level) for name, level in (found.get("permissions") or {}).items()},
            suspended=found.get("suspended_at") is not None,
        )

    def create_token(self, installation_id: int, repository: str, permissions: Mapping[str, str]) -> InstallationToken:
        body: dict[str, Any] = {"repositories": [repository.rpartition("/")[2]], "permissions": dict(permissions)}
        found = self._client.call("POST", f"/app/installations/{installation_id}/access_tokens", body)
        return InstallationToken(token=found["token"], expires_at=datetime.fromisoformat(found["expires_at"]))

    def webhook_url(self) -> str:
        return str(self._client.call("GET", "/app/hook/config").get("url", ""))

    def set_webhook(self, url: str, secret: str) -> None:
        body = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        self._client.call("PATCH", "/app/hook/config", body)

    def redeliver_failed(self, since: datetime) -> int:
        return redeliver_failed(self._client, "/app/hook/deliveries", since)


def _assertion(number: int, private_key: str, now: datetime) -> str:
    import jwt  # with RSA: only processes that work with Apps load it

    claims = {
        "iat": int((now - _EARLIER).timestamp()),
        "exp": int((now + _ASSERTED).timestamp()),
        "iss": str(number),
    }
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        message = "The private key is no RSA key in PEM, as GitHub generates it for an App."
        raise InvalidRequest(message, [Violation("/private_key", message, "bad_key")]) from None
