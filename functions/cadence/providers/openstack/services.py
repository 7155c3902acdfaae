"""The services of an OpenStack's catalog, each with a token that is renewed when it expires."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from keystoneauth1 import exceptions
from keystoneauth1.identity.v3 import ApplicationCredential, Password
from keystoneauth1.session import Session

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, ProviderRejected, Transient
from cadence.providers.contract import Credentials
from cadence.providers.hidden import Hidden
from cadence.providers.openstack.settings import OpenStackSettings
from cadence.providers.rest import Refusal, Rest, RestResponse, mentions, quiet_session

_FULL = ("quota exceeded", "no valid host", "insufficient capacity", "insufficient compute resources")
_CHANGING = ("buildinginstance", "while it is in", "cannot be performed while")
# The last server of a page was deleted before the next page was asked for.
_LIST_CHANGED = ("marker [",)


class OpenStackDialect:
    """Implements `Dialect` for nova, glance and neutron."""

    name = "OpenStack"

    def read(self, answer: RestResponse) -> Refusal:
        """Reads `{"badRequest": {"code", "message"}}`, `{"NeutronError": {"type", "message"}}` and `{"message"}`."""
        body = answer.body
        if isinstance(body, dict):
            for code, detail in body.items():
                if isinstance(detail, dict) and "message" in detail:
                    return Refusal(answer.status, str(detail.get("type") or code), str(detail["message"]))
            return Refusal(answer.status, "", str(body.get("message", "")))
        return Refusal(answer.status, "", str(body or ""))

    def decide(self, refusal: Refusal, answer: RestResponse) -> type[CadenceError] | None:
        if mentions(refusal, _FULL):
            return CapacityExhausted
        if refusal.status == 413 or refusal.code == "overLimit" or mentions(refusal, _LIST_CHANGED):
            return Transient
        if mentions(refusal, _CHANGING):
            return Conflict
        return None


def means_full(words: str) -> bool:
    """Returns whether nova failed to find room, by its message about a server in state ERROR."""
    return mentions(Refusal(0, "", words), _FULL)


@dataclass
class OpenStackServices:
    """One login of a pool. Its calls raise the errors of `Rest.call`."""

    settings: OpenStackSettings
    credentials: Credentials = field(repr=False)
    hidden: Hidden = field(repr=False)
    seconds: float = 15.0

    @cached_property
    def compute(self) -> Rest:
        return self._service("compute")

    @cached_property
    def image(self) -> Rest:
        return self._service("image")

    @cached_property
    def network(self) -> Rest:
        return self._service("network")

    def log_in(self) -> None:
        """Fetches a token. Raises ProviderRejected or Transient."""
        with self._understood():
            self._session.get_token()

    def _service(self, kind: str) -> Rest:
        settings = self.settings
        with self._understood():
            base = self._session.get_endpoint(
                service_type=kind, interface=settings.interface, region_name=settings.region
            )
        if base is None:
            region = f" in region {settings.region}" if settings.region else ""
            raise ProviderRejected(
                f"OpenStack: the catalog at {settings.auth_url} has no {settings.interface} {kind} service{region}"
            )
        session = quiet_session()
        session.verify = self._session.verify
        return Rest(
            base, OpenStackDialect(), self._authorize, hidden=self.hidden, session=session, seconds=self.seconds
        )

    def _authorize(self) -> dict[str, str]:
        with self._understood():
            headers: dict[str, str] = self._session.get_auth_headers() or {}
        self.hidden.add(*headers.values())
        return headers

    @cached_property
    def _session(self) -> Any:
        settings, credentials = self.settings, self.credentials
        self.hidden.add(*(value for name, value in credentials.items() if "secret" in name or "password" in name))
        if "application_credential_id" in credentials:
            auth: Any = ApplicationCredential(
                settings.auth_url,
                application_credential_id=credentials["application_credential_id"],
                application_credential_secret=credentials.get("application_credential_secret", ""),
            )
        else:
            auth = Password(
                settings.auth_url,
                username=credentials.get("username", ""),
                password=credentials.get("password", ""),
                user_domain_name=credentials.get("user_domain_name", "Default"),
                project_name=credentials.get("project_name"),
                project_id=credentials.get("project_id"),
                project_domain_name=credentials.get("project_domain_name", "Default")
                if "project_name" in credentials
                else None,
            )
        return Session(
            auth, session=quiet_session(), timeout=self.seconds, verify=_authority(settings), connect_retries=0
        )

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turns errors of the identity service into the decisions that they mean."""
        try:
            yield
        except exceptions.HttpError as error:
            text = f"OpenStack: {self.hidden.cut(str(error.message))} ({error.http_status} for identity)"
            passing = error.http_status == 429 or error.http_status >= 500
            raise _passing(text, error) if passing else ProviderRejected(text) from None
        except exceptions.SSLError:
            raise ProviderRejected(f"OpenStack: the certificate of {self.settings.auth_url} is not valid") from None
        except exceptions.ConnectionError:
            raise Transient(f"OpenStack: {self.settings.auth_url} does not answer") from None
        except exceptions.ClientException as error:
            raise ProviderRejected(f"OpenStack: {self.hidden.cut(str(error))}") from None


def _passing(text: str, error: Any) -> Transient:
    after = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return Transient(text, retry_after=float(after) if after.isdecimal() else 1.0)


def _authority(settings: OpenStackSettings) -> str | bool:
    """Returns a file with the authority, since `requests` takes authorities from a file only.

    It exists as long as the process.
    """
    if settings.certificate_authority is None:
        return True
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as file:
        file.write(settings.certificate_authority)
    return file.name
