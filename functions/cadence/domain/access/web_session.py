"""Sessions of browsers, and the one-time codes that open them.

A session acts as the token that opened it and ends with it. It has two secrets: one in a cookie that scripts cannot
read, one that the page sends as a header. Both are needed: other programs on the same host share the cookie, since
cookies ignore ports, and another site's page cannot send the header.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.access.access import secret_hash

CODE_LIFETIME = timedelta(seconds=60)
SESSION_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class WebSession:
    """A session as stored: SHA-256 digests (hex) of its secrets, never the secrets."""

    session_id: str
    token_id: str
    cookie_sha256: str
    header_sha256: str
    created_at: datetime
    expires_at: datetime

    def accepts(self, cookie: str, header: str, now: datetime) -> bool:
        """Whether both secrets are this session's and it has not expired; takes the same time for all wrong ones."""
        cookie_is_equal = hmac.compare_digest(self.cookie_sha256, secret_hash(cookie))
        header_is_equal = hmac.compare_digest(self.header_sha256, secret_hash(header))
        return cookie_is_equal and header_is_equal and now < self.expires_at


@dataclass(frozen=True)
class SignInCode:
    """A code that opens one session as a token, until it expires; `code_sha256` is its digest (hex)."""

    code_sha256: str
    token_id: str
    expires_at: datetime
