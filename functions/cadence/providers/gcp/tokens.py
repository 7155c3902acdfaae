"""Tokens of a service account that are signed here, so that none has to be fetched first."""

import json
import threading
from collections.abc import Mapping

from google.oauth2 import service_account

from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.hidden import Hidden

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class ServiceAccountTokens:
    """Gives the headers of a call. A token is signed when the last one has expired, after an hour."""

    def __init__(self, key: str, hidden: Hidden) -> None:
        self._hidden = hidden
        self._lock = threading.Lock()
        try:
            info = json.loads(key)
            hidden.add(info["private_key"], str(info.get("private_key_id", "")))
            self._credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                info, scopes=_SCOPES, always_use_jwt_access=True
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            # The error's text may contain parts of the key.
            raise ProviderRejected(
                "`service_account_key` of the pool's credentials is no key of a service account: give the JSON file whole."
            ) from None

    def token(self) -> Mapping[str, str]:
        with self._lock:
            if not self._credentials.valid:
                self._credentials.refresh(_no_request)
                self._hidden.add(self._credentials.token)
            return {"Authorization": f"Bearer {self._credentials.token}"}


def _no_request(*_: object, **__: object) -> None:
    raise AssertionError("tokens that are signed here need no request")
