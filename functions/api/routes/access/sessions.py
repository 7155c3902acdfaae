"""Sessions of browsers: a page signs in with a one-time code or a token, and acts as that token until it ends."""

from datetime import datetime
from typing import Final

from pydantic import Field

from api.endpoint import ANY_TOKEN, PUBLIC, Body, Call, Endpoints, Model, Reply
from api.session_cookie import clearing_cookie, session_cookie
from cadence.application.access.web_sessions import OpenedSession
from cadence.composition.api import Services
from cadence.domain.access.access import parse_token
from cadence.domain.access.audit import AuditEntry, AuditKind
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("access")

_LONGEST_SECRET: Final = 200


class OpenBody(Body):
    """Exactly one of the two."""

    code: str | None = Field(None, min_length=1, max_length=_LONGEST_SECRET, description="A one-time code.")
    token: str | None = Field(None, min_length=1, max_length=_LONGEST_SECRET, description="A token's text.")


class SignInCodeView(Model):
    code: str = Field(description="Opens one session. It belongs in the fragment of a link: `/ui/#code=…`.")
    expires_at: datetime


class WebSessionView(Model):
    session_id: str
    created_at: datetime
    expires_at: datetime


class OpenedSessionView(WebSessionView):
    """The cookie that is set is the other half of the session."""

    session: str = Field(description="What to send as the header `Cadence-Session`. It cannot be read again.")
    name: str = Field(description="The name of the token that the session acts as.")
    organization: str
    project: str = Field(description="The project that the session is restricted to, or `*`.")
    permissions: list[str]


class WebSessionList(Model):
    items: list[WebSessionView] = Field(description="Of the caller's token, the oldest first.")


@endpoints.add(
    "POST",
    "/v1/sessions/codes",
    ANY_TOKEN,
    answers={201: SignInCodeView},
    audit=AuditKind.SIGN_IN,
)
def make_sign_in_code(call: Call, services: Services) -> SignInCodeView:
    """Makes a code that opens one session as the caller's token, within a minute."""
    text, code = services.sessions.make_code(call.by)
    return SignInCodeView(code=text, expires_at=code.expires_at)


@endpoints.add(
    "POST", "/v1/sessions", PUBLIC, answers={201: OpenedSessionView}, errors=(401, 403, 413, 415, 422, 429, 503)
)
def open_session(call: Call, services: Services, body: OpenBody) -> Reply:
    """Opens a session: sets one half of it as a cookie and returns the other, which is sent as a header."""
    opened = _open(services, body, call.source)
    by = opened.principal
    services.audit.note(
        AuditEntry.by(
            by,
            services.clock(),
            AuditKind.SIGN_IN,
            "open_session",
            "/v1/sessions",
            project=by.project,
            source=call.source,
        )
    )
    view = OpenedSessionView(
        session_id=opened.session.session_id,
        created_at=opened.session.created_at,
        expires_at=opened.session.expires_at,
        session=opened.header,
        name=by.name,
        organization=by.organization,
        project=by.project,
        permissions=sorted(by.permissions),
    )
    return Reply(view, 201, {"set-cookie": session_cookie(opened.cookie, services.clock(), opened.session.expires_at)})


@endpoints.add("GET", "/v1/sessions", ANY_TOKEN, answers={200: WebSessionList})
def list_sessions(call: Call, services: Services) -> WebSessionList:
    """Lists the open sessions of the caller's token."""
    return WebSessionList(items=[WebSessionView.model_validate(one) for one in services.sessions.list(call.by)])


@endpoints.add(
    "DELETE",
    "/v1/sessions/{session_id}",
    ANY_TOKEN,
    answers={204: None},
    audit=AuditKind.SIGN_IN,
)
def close_session(call: Call, services: Services, session_id: str) -> Reply:
    """Ends one of the sessions of the caller's token, at once."""
    services.sessions.close(call.by, session_id)
    # Answers about ended runs are kept by the browser.
    return Reply(None, 204, {"set-cookie": clearing_cookie(), "clear-site-data": '"cache"'})


def _open(services: Services, body: OpenBody, source: str) -> OpenedSession:
    limits = services.people.limits
    if body.code and not body.token:
        with limits.counting("code", body.code, source):
            return services.sessions.open_by_code(body.code)
    if body.token and not body.code:
        token_id, _ = parse_token(body.token) or (body.token, "")
        with limits.counting("token", token_id, source):
            return services.sessions.open_by_token(body.token)
    message = "Send either `code` or `token`."
    raise InvalidRequest(message, [Violation("/code", message)])
