"""Pushes lines to connected clients: each message begins exactly where the one before ended.

Client and server both know their position: a message states the position `from` which it goes on, and its end, `after`.
A client whose own position is not the `from` of a message has missed one, or has seen this one; it ignores the message
and sends its position with a `ping`, from which the server goes on. So no line is lost and none is taken twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate, require
from cadence.application.access.ports import AuditTrail
from cadence.application.search.live_ports import LiveConnection, LiveConnections, LivePage, LivePosition
from cadence.application.search.live_query import LiveQuery
from cadence.application.shared.ports import ALIVE_FOR, LARGEST_MESSAGE, LIVE_PATH, Clock, Sockets
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.audit import AuditKind
from cadence.domain.shared.errors import CadenceError, Conflict, Gone, NotFound, Unauthenticated

# With escapes and names, lines of so many characters nearly always fit into a message.
_CHARACTERS = 24_000
_LINES = 100
_MESSAGES_AT_ONCE = 50

Message = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PushLines:
    """Serves live connections; `as_message` encodes a message, whose lines are `LiveLine`s, as text."""

    connections: LiveConnections
    sockets: Sockets
    authenticate: Authenticate
    audit: AuditTrail
    live: LiveQuery
    clock: Clock
    as_message: Callable[[Message], str]

    def subscribe(
        self, connection_id: str, token: str, query: str, project: str | None, after: str | None, source: str = ""
    ) -> None:
        """Begins to push lines that match, from now on or from the cursor on. A second call replaces the first.

        It is recorded once an hour for the same caller, who has the address `source`; so is a refusal. Raises
        Unauthenticated, Forbidden, BadQuery, NotFound for a project that the token does not see, Gone for a cursor
        that is too old, Transient if it cannot be recorded.
        """
        audit = AuditedRequest(self.audit, self.clock, "follow_lines", LIVE_PATH, source)
        principal = None
        try:
            principal = self.authenticate.authenticate(f"Bearer {token}")
            principal = require(principal, Permission.LOGS_READ)
            begin = LivePosition.of(after) if after else self.live.follow.start(principal.organization)
            # An invalid query is reported now, and not with the first line.
            self.live.read(principal, query, project, begin, limit=1)
        except CadenceError as error:
            audit.refuse(principal, error)
            raise
        audit.accept_hourly(principal, AuditKind.VALUE, project or principal.project)
        connection = LiveConnection(
            connection_id=connection_id,
            principal=principal,
            query=query,
            project=project,
            looked=begin,
            told=begin,
            alive_until=self.clock() + ALIVE_FOR,
        )
        self.connections.save(connection)
        self._post(connection, {"kind": "subscribed", "after": str(begin)})
        self._deliver(connection)

    def ping(self, connection_id: str, after: str) -> None:
        """Notes that the client is alive and has taken all lines through the cursor `after`.

        Raises NotFound for a connection that follows nothing, Unauthenticated if its token is not valid any more: then
        it follows nothing from now on.
        """
        connection = self.connections.get(connection_id)
        try:
            principal = self._renewed(connection.principal)
        except Unauthenticated:
            self.connections.remove(connection_id)
            raise
        connection = replace(connection, principal=principal, alive_until=self.clock() + ALIVE_FOR)
        position = LivePosition.of(after)
        if position != connection.told:
            connection = replace(connection, looked=position, told=position)
        self.connections.save(connection)
        self._post(connection, {"kind": "pong"})
        self._deliver(connection)

    def close(self, connection_id: str) -> None:
        """Removes a connection."""
        self.connections.remove(connection_id)

    def ring(self, organization: str) -> int:
        """Delivers new lines to all connections of an organization, and returns how many there are.

        An error of one connection is sent to it and does not hold back the others.
        """
        connections = self.connections.of_organization(organization, self.clock())
        for connection in connections:
            try:
                self._deliver(connection)
            except CadenceError as error:
                # The client receives the error, and asks again with its next ping.
                self._post(connection, {"kind": "problem", "code": error.code, "detail": error.message})
        return len(connections)

    def _deliver(self, connection: LiveConnection) -> None:
        """Delivers new lines: the call that moves a connection's position sends the lines in between, and no other."""
        for _ in range(_MESSAGES_AT_ONCE):
            page = self.live.read(
                connection.principal,
                connection.query,
                connection.project,
                connection.looked,
                _LINES,
                characters=_CHARACTERS,
            )
            if page.after == connection.looked:
                return
            sent = page.after if page.lines else connection.told
            before = connection
            try:
                connection = self.connections.advance(connection, page.after, sent)
            except Conflict:
                return
            if page.lines and not self._post(connection, self._lines(before.told, page)):
                return
            if not page.more:
                return

    def _lines(self, begin: LivePosition, page: LivePage) -> Message:
        message = {"kind": "lines", "from": str(begin), "after": str(page.after), "lines": page.lines}
        if len(self.as_message(message)) <= LARGEST_MESSAGE:
            return message
        # Such a line is read by HTTP: GET /v1/logs/live from `from` on.
        return {"kind": "fetch", "from": str(begin), "after": str(page.after)}

    def _post(self, connection: LiveConnection, message: Message) -> bool:
        try:
            self.sockets.post(connection.connection_id, self.as_message(message))
        except Gone:
            self.connections.remove(connection.connection_id)
            return False
        return True

    def _renewed(self, principal: Principal) -> Principal:
        try:
            return self.authenticate.renew(principal)
        except (NotFound, Unauthenticated):
            message = "The token is revoked or expired. Connect again with a valid one."
            raise Unauthenticated(message) from None
