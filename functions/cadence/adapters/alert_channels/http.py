"""Posts to an address that a user chose. The answer decides whether the same message is tried again."""

import json
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from cadence.adapters.http.connection_errors import reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool
from cadence.application.alerts.ports import ChannelRefused
from cadence.domain.shared.errors import Transient

_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_NO_RETRIES = urllib3.Retry(total=False, redirect=False)
_LONGEST_ANSWER = 300
# These statuses mean that the message itself is wrong. All others (an invalid token, a missing address, a throttle) can
# be corrected by a user, and then the message still has to be delivered.
_OF_THE_MESSAGE = frozenset({400, 413, 422})


class Poster:
    """Posts messages, and follows no redirect: a message goes to the address of its channel, or nowhere."""

    def __init__(self, reach: EgressPolicy) -> None:
        self._pool = guarded_pool(reach, user_agent="cadence-alerts", timeout=_TIMEOUT, retries=_NO_RETRIES)

    def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Returns after a 2xx.

        Raises ChannelRefused or Transient, in words without the address, which may be a secret.
        """
        sent = {"content-type": "application/json", **(headers or {})}
        try:
            answer = self._pool.request("POST", url, body=body, headers=sent, preload_content=False)
        except EgressRefused:
            raise Transient(
                "The channel's address leads to no public host, and to none that this installation names."
            ) from None
        except (HTTPError, LocationValueError) as error:
            raise Transient(f"The channel cannot be reached: {reason_of(error)}.") from None
        try:
            answered = answer.read(_LONGEST_ANSWER, decode_content=True).decode("utf-8", "replace").strip()
        except HTTPError:
            answered = ""
        finally:
            answer.close()
        if 200 <= answer.status < 300:
            return
        words = f"The channel answers with status {answer.status}{f': {answered}' if answered else '.'}"
        raise ChannelRefused(words) if answer.status in _OF_THE_MESSAGE else Transient(words)


def encoded(value: Any) -> bytes:
    """Returns JSON, whichever characters a log line has."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
