"""Opens, checks and closes sessions of browsers."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cadence.application.shared.identifiers import new_ulid
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import Principal, secret_hash
from cadence.domain.access.web_session import CODE_LIFETIME, SESSION_LIFETIME, SignInCode, WebSession
from cadence.domain.shared.errors import Forbidden, NotFound, Unauthenticated

_NO_SESSION = "There is no such session, or it has ended. Open a new one with `cadence open`, or sign in with a token."
_NO_CODE = "The code was used already, or is older than a minute. Run `cadence open` again."


class WebSessionStore(Protocol):
    """Sessions of browsers, and one-time codes."""

    def add_code(self, code: SignInCode) -> None:
        """Stores a code."""

    def use_code(self, code_sha256: str) -> SignInCode:
        """Removes a code and returns it. Raises NotFound; of two callers one gets it."""

    def add_session(self, session: WebSession) -> None:
        """Stores a session."""

    def get_session(self, token_id: str, session_id: str) -> WebSession:
        """Returns a session. Raises NotFound."""

    def list_sessions(self, token_id: str) -> Sequence[WebSession]:
        """Returns the sessions that a token opened, the oldest first."""

    def delete_session(self, token_id: str, session_id: str) -> None:
        """Deletes a session. Raises NotFound."""


class PrincipalSource(Protocol):
    """Says who acts. Whatever sessions stand on (tokens, members) implements it."""

    def authenticate(self, authorization: str | None) -> Principal:
        """Returns the principal of a request's header `Authorization`. Raises Unauthenticated."""

    def of_token(self, token_id: str) -> Principal:
        """Returns the principal of a token as it is now. Raises Unauthenticated if it is revoked or expired."""


@dataclass(frozen=True)
class OpenedSession:
    """A new session, with the principal that it acts as and its two secrets, which are handed out once."""

    session: WebSession
    principal: Principal
    cookie: str = field(repr=False)
    header: str = field(repr=False)


@dataclass(frozen=True)
class WebSessions:
    """Sessions of browsers: each acts as a token, and ends with it."""

    store: WebSessionStore
    principals: PrincipalSource
    clock: Clock

    def make_code(self, by: Principal) -> tuple[str, SignInCode]:
        """Returns a code's text and what is stored of it. Raises Forbidden for the token of a run's engine."""
        if by.run is not None:
            raise Forbidden("A run's own token opens no session: it is for that run's engine.")
        text = secrets.token_urlsafe(32)
        code = SignInCode(secret_hash(text), by.token_id, self.clock() + CODE_LIFETIME)
        self.store.add_code(code)
        return text, code

    def open_by_code(self, text: str) -> OpenedSession:
        """Opens a session with a one-time code. Raises Unauthenticated, in the same words for all wrong codes."""
        try:
            code = self.store.use_code(secret_hash(text))
        except NotFound:
            raise Unauthenticated(_NO_CODE) from None
        if self.clock() >= code.expires_at:
            raise Unauthenticated(_NO_CODE)
        return self._open(self.principals.of_token(code.token_id))

    def open_by_token(self, token: str) -> OpenedSession:
        """Opens a session with a token's text. Raises Unauthenticated, and Forbidden for a run's own token."""
        principal = self.principals.authenticate(f"Bearer {token}")
        if principal.run is not None:
            raise Forbidden("A run's own token opens no session: it is for that run's engine.")
        return self._open(principal)

    def authenticate(self, cookie: str | None, header: str) -> Principal:
        """Returns the principal of a session, from the cookie's value and the header's. Raises Unauthenticated."""
        session, cookie_secret = self._session(cookie)
        if not session.accepts(cookie_secret, header, self.clock()):
            raise Unauthenticated(_NO_SESSION)
        return self.principals.of_token(session.token_id)

    def list(self, by: Principal) -> Sequence[WebSession]:
        """Returns the sessions of the caller's token that have not expired, the oldest first."""
        now = self.clock()
        return [session for session in self.store.list_sessions(by.token_id) if now < session.expires_at]

    def close(self, by: Principal, session_id: str) -> None:
        """Ends one of the sessions of the caller's token. Raises NotFound."""
        self.store.delete_session(by.token_id, session_id)

    def _session(self, cookie: str | None) -> tuple[WebSession, str]:
        parts = (cookie or "").split(".")
        if len(parts) != 3:
            raise Unauthenticated(_NO_SESSION)
        token_id, session_id, secret = parts
        if not token_id or not session_id:
            raise Unauthenticated(_NO_SESSION)
        try:
            return self.store.get_session(token_id, session_id), secret
        except NotFound:
            raise Unauthenticated(_NO_SESSION) from None

    def _open(self, principal: Principal) -> OpenedSession:
        now = self.clock()
        cookie, header = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        session = WebSession(
            session_id=new_ulid(now),
            token_id=principal.token_id,
            cookie_sha256=secret_hash(cookie),
            header_sha256=secret_hash(header),
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
        self.store.add_session(session)
        return OpenedSession(session, principal, f"{session.token_id}.{session.session_id}.{cookie}", header)
