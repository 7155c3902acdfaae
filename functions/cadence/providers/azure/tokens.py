"""Access tokens of Entra ID for an application, from its secret or its certificate."""

import threading
from collections.abc import Mapping
from typing import Any

import msal
import requests

from cadence.domain.shared.errors import ProviderRejected, Transient
from cadence.providers.contract import Credentials
from cadence.providers.hidden import Hidden
from cadence.providers.rest import quiet_session

_AUTHORITY = "https://login.microsoftonline.com"
_SCOPES = ["https://management.azure.com/.default"]
_HINT = (
    "The pool's credentials are `client_id`, and `client_secret` or `private_key` with `certificate` (PEM) of an "
    "application that may act in the resource group."
)


class ApplicationTokens:
    """Gives the headers of a call. A token is kept until shortly before it expires."""

    def __init__(
        self,
        tenant_id: str,
        credentials: Credentials,
        hidden: Hidden,
        session: requests.Session | None = None,
        authority: str = _AUTHORITY,
        seconds: float = 10.0,
    ) -> None:
        self._hidden = hidden
        self._lock = threading.Lock()
        self._tenant_id, self._client_id = tenant_id, credentials.get("client_id", "")
        self._credential = _credential(credentials)
        hidden.add(*(credentials.get(name, "") for name in ("client_secret", "private_key")))
        self._http = _OneAnswer(session or quiet_session(), authority, seconds)
        self._application: msal.ConfidentialClientApplication | None = None

    def token(self) -> Mapping[str, str]:
        """Returns the headers. Raises ProviderRejected if the credentials are refused, Transient without an answer."""
        with self._lock:
            answer = self._ask()
        if "access_token" not in answer:
            words = self._hidden.cut(" ".join(str(answer.get("error_description") or answer.get("error")).split()))[
                :300
            ]
            raise ProviderRejected(f"Azure: the application's credentials are refused: {words}")
        self._hidden.add(answer["access_token"])
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def _ask(self) -> Mapping[str, Any]:
        try:
            if self._application is None:
                # This looks up the token endpoint of the tenant.
                self._application = msal.ConfidentialClientApplication(
                    self._client_id,
                    authority=f"{_AUTHORITY}/{self._tenant_id}",
                    client_credential=self._credential,
                    instance_discovery=False,
                    http_client=self._http,
                )
            answer: Mapping[str, Any] = self._application.acquire_token_for_client(_SCOPES)
        except requests.RequestException:
            raise Transient("Azure: the token endpoint does not answer") from None
        except ValueError as error:
            # The error's text may contain parts of a key that cannot be read.
            words = "no such tenant, or no such key" if "tenant" not in str(error) else "there is no such tenant"
            raise ProviderRejected(f"Azure: no token for the application: {words}. {_HINT}") from None
        return answer


class _OneAnswer:
    """The HTTP client of msal: bounded in time, and without a second try."""

    def __init__(self, session: requests.Session, authority: str, seconds: float) -> None:
        self._session, self._authority, self._seconds = session, authority, seconds

    def get(self, url: str, **options: Any) -> requests.Response:
        return self._exchange("GET", url, options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self._exchange("POST", url, options)

    def close(self) -> None:
        self._session.close()

    def _exchange(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        address = self._authority + url.removeprefix(_AUTHORITY)
        answer = self._session.request(
            method, address, **{**options, "timeout": self._seconds, "allow_redirects": False}
        )
        if answer.status_code == 429 or answer.status_code >= 500:
            after = answer.headers.get("retry-after", "")
            raise Transient(
                f"Azure: the token endpoint is not available now ({answer.status_code})",
                retry_after=float(after) if after.isdecimal() else 1.0,
            )
        return answer


def _credential(credentials: Credentials) -> str | dict[str, str]:
    if not credentials.get("client_id"):
        raise ProviderRejected(_HINT)
    if credentials.get("private_key") and credentials.get("certificate"):
        return {"private_key": credentials["private_key"], "public_certificate": credentials["certificate"]}
    if not credentials.get("client_secret"):
        raise ProviderRejected(_HINT)
    return credentials["client_secret"]
