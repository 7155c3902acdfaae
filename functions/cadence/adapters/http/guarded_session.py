"""A `requests` session restricted to hosts that the installation allows, for hosts that a pool's settings name."""

from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool


class _Guarded(HTTPAdapter):
    def __init__(self, reach: EgressPolicy) -> None:
        self._reach = reach
        super().__init__()

    def init_poolmanager(self, *_: Any, **__: Any) -> None:
        timeout = urllib3.Timeout(connect=5.0, read=30.0)  # each request brings its own
        self.poolmanager = guarded_pool(
            self._reach, user_agent="cadence", timeout=timeout, retries=urllib3.Retry(False)
        )

    def send(self, *given: Any, **options: Any) -> requests.Response:
        try:
            return super().send(*given, **options)
        except EgressRefused as error:
            raise requests.exceptions.InvalidURL(str(error)) from None


def guarded_session(reach: EgressPolicy) -> requests.Session:
    """Returns a session that uses no proxy and no `.netrc` of the process's environment."""
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = "cadence"
    adapter = _Guarded(reach)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
