"""`Outgoing`: requests to receivers that users chose, restricted by the installation's egress policy."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3

from cadence.adapters.http.connection_errors import reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool, is_public
from cadence.application.shared.outgoing_ports import OutgoingResponse
from cadence.domain.shared.errors import Forbidden, InvalidRequest, Transient, Violation

_WORDS = 300
_LARGEST_ANSWER = 16_384
_LONGEST_URL = 1_000


class OutgoingHttp:
    """Sends requests. `pointer` is where an address stands in a request's body, for messages."""

    def __init__(self, reach: EgressPolicy, *, seconds: float = 10, pointer: str = "/url") -> None:
        self._reach, self._pointer = reach, pointer
        timeout = urllib3.Timeout(connect=min(5.0, seconds), read=seconds)
        self._pool = guarded_pool(reach, user_agent="cadence", timeout=timeout, retries=urllib3.Retry(False))

    def check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self._refused("This is no URL.") from None
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or port == 0 or len(url) > _LONGEST_URL:
            raise self._refused("The address has to begin with https:// and name a host.")
        if parts.username or parts.password:
            raise self._refused("The address holds a name or password. Give them as credentials instead.")
        if parts.fragment or any(character <= " " for character in url):
            raise self._refused("The address has a space or a fragment (#…) in it.")
        named = self._reach.includes(host, port)
        if parts.scheme == "http" and not named:
            raise self._refused(
                f"The address has to begin with https://, since {host} is not one of the {self._reach.what} of this installation."
            )
        if _is_literal(host) and not named and not is_public(host):
            raise self._refused(
                f"{host} is not a public address, and not one of the {self._reach.what} that this installation names."
            )

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> OutgoingResponse:
        host = urlsplit(url).hostname
        try:
            with self._pool.request(
                "POST", url, body=body, headers=dict(headers), redirect=False, preload_content=False
            ) as response:
                text = response.read(_LARGEST_ANSWER, decode_content=True)
                # The rest of a longer answer is not read: the connection is not used again.
                after = response.headers.get("retry-after", "")
                return OutgoingResponse(response.status, _one_line(text), float(after) if after.isdecimal() else None)
        except EgressRefused as error:
            raise Forbidden(str(error)) from None
        except urllib3.exceptions.HTTPError as error:
            if isinstance(error.__cause__, EgressRefused):
                raise Forbidden(str(error.__cause__)) from None
            raise Transient(f"{host} does not answer: {reason_of(error)}") from None

    def _refused(self, message: str) -> InvalidRequest:
        return InvalidRequest(message, [Violation(self._pointer, message, "bad_address")])


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _one_line(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:_WORDS]
