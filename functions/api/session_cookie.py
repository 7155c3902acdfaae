"""The halves of a session in a request: the cookie, and the header `Cadence-Session`."""

from collections.abc import Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

HEADER: Final = "cadence-session"
_NAME: Final = "cadence_session"
_ATTRIBUTES: Final = "Path=/v1; HttpOnly; Secure; SameSite=Strict"


def session_cookie(value: str, now: datetime, expires_at: datetime) -> str:
    """Returns the header `Set-Cookie` of a session; scripts cannot read it, other sites' requests do not carry it."""
    return f"{_NAME}={value}; Max-Age={int((expires_at - now).total_seconds())}; {_ATTRIBUTES}"


def clearing_cookie() -> str:
    """Returns the header `Set-Cookie` that removes the cookie."""
    return f"{_NAME}=; Max-Age=0; {_ATTRIBUTES}"


def cookie_of(event: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """Returns the value of the session's cookie in an HTTP API event, or None."""
    for text in (*(event.get("cookies") or ()), headers.get("cookie", "")):
        try:
            cookies = SimpleCookie(text)
        except CookieError:
            continue
        if _NAME in cookies:
            return cookies[_NAME].value
    return None
