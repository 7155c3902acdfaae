"""Pushes the changes of runs to the connections that watch them, as deltas with numbers.

The deltas of a run are numbered without holes, from one on, for all who watch it. A client that gets another number
than the next one has missed a delta: it reads the run by HTTP from its own position on, and goes on with the number
that it got. It does the same after each connection. Deltas have whole treatments, so one that comes twice changes
nothing. Nothing is written for a run that is not watched.

New lines of a watched run, its streams that flow, and changes of the list of runs are announced without content. A
client that is told so reads them by HTTP from its own position on, with the caller's rights of then.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cadence.application.access.audited_request import AuditedRequest
from cadence.application.access.authenticate import Authenticate, require
from cadence.application.access.ports import AuditTrail
from cadence.application.runs.run_delta import RunDelta
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.runs.watch_ports import LiveTicket, LiveTickets, RunWatch, RunWatches, list_of
from cadence.application.shared.ports import ALIVE_FOR, LARGEST_MESSAGE, LIVE_PATH, Clock, Sockets
from cadence.domain.access.access import Permission, Principal, secret_hash
from cadence.domain.shared.errors import CadenceError, Gone, InvalidRequest, NotFound, Unauthenticated, Violation

TICKET_LIFETIME = timedelta(seconds=30)
# Then a client has to show who it is again, so that the end of a session ends what was begun with it.
_LONGEST_WATCH = timedelta(minutes=10)
_MOST_RUNS = 20
# A treatment with a long name and cause has about one KiB.
_PER_MESSAGE = 100

_NO_TICKET = "The ticket was used already, or is older than 30 seconds. Get another one: POST /v1/live/tickets."


@dataclass(frozen=True)
class MakeLiveTickets:
    """Makes tickets, with which browsers connect: they hold a session and no token."""

    tickets: LiveTickets
    clock: Clock

    def make(self, by: Principal) -> tuple[str, LiveTicket]:
        """Returns a ticket's text and what is stored of it."""
        text = secrets.token_urlsafe(32)
        ticket = LiveTicket(secret_hash(text), by.token_id, by.organization, self.clock() + TICKET_LIFETIME)
        self.tickets.add(ticket)
        return text, ticket


@dataclass(frozen=True, kw_only=True)
class WatchRuns:
    """Serves connections that watch runs.

    `hurry` makes a run's runners send their lines at once for half a minute; `as_message` encodes a message as text.
    """

    watches: RunWatches
    tickets: LiveTickets
    sockets: Sockets
    authenticate: Authenticate
    visible: VisibleRuns
    audit: AuditTrail
    clock: Clock
    hurry: Callable[[str], None]
    as_message: Callable[[Mapping[str, Any]], str]

    def watch(self, connection_id: str, run_id: str | None, token: str, ticket: str, source: str = "") -> None:
        """Begins to push a run's deltas, or (None) to announce changes of the list; a connection may watch 20 runs.

        The first call of a connection has a token or a ticket, further ones may have neither. Raises Unauthenticated,
        Forbidden, NotFound for a run that the caller does not see, InvalidRequest for too many runs.
        """
        audit = AuditedRequest(self.audit, self.clock, "watch_run", LIVE_PATH, source)
        principal = None
        watched = self.watches.of_connection(connection_id)
        try:
            ends_at = self.clock() + _LONGEST_WATCH
            if token:
                principal = self.authenticate.authenticate(f"Bearer {token}")
            elif ticket:
                principal = self._of_ticket(ticket)
            else:
                principal, ends_at = self._known(watched)
            principal = require(principal, Permission.RUNS_READ)
            subject = self.visible.get(principal, run_id).run_id if run_id else list_of(principal.organization)
        except CadenceError as error:
            audit.refuse(principal, error)
            raise
        if len({one.subject for one in watched} | {subject}) > _MOST_RUNS:
            message = f"A connection watches at most {_MOST_RUNS} runs. Send `unwatch` for one, or open another."
            raise InvalidRequest(message, [Violation("/run", message)])
        watch = RunWatch(
            connection_id=connection_id,
            subject=subject,
            token_id=principal.token_id,
            organization=principal.organization,
            alive_until=min(self.clock() + ALIVE_FOR, ends_at),
            ends_at=ends_at,
        )
        # It is stored before the number is read: a delta after this number is sent to this connection, too.
        self.watches.save(watch)
        begun: dict[str, Any] = {"kind": "watching"}
        if not watch.is_list:
            begun |= {"run": subject, "number": self.watches.last_number(subject, watch.ends_at)}
            self.hurry(subject)
        self._post(connection_id, subject, self.as_message(begun))

    def unwatch(self, connection_id: str, run_id: str | None) -> None:
        """Ends pushing a run's deltas, or (None) announcing changes of the list."""
        if run_id is not None:
            self.watches.remove(connection_id, run_id)
            return
        for watch in self.watches.of_connection(connection_id):
            if watch.is_list:
                self.watches.remove(connection_id, watch.subject)

    def ring_run(self, run_id: str, of: str) -> int:
        """Announces what is new in a run (`of`: lines or flows), and returns how many connections watch it."""
        return self._ring(run_id, {"kind": "new", "of": of, "run": run_id})

    def ring_list(self, organization: str) -> int:
        """Announces that the list of an organization's runs has changed, and returns how many connections watch it."""
        return self._ring(list_of(organization), {"kind": "new", "of": "runs"})

    def _ring(self, subject: str, message: Mapping[str, Any]) -> int:
        text = self.as_message(message)
        return sum(self._post(one, subject, text) for one in self.watches.watchers(subject, self.clock()))

    def ping(self, connection_id: str) -> None:
        """Notes that the client is alive, and sends the number of each run's last delta.

        What the caller may not see any more is removed. Raises NotFound for a connection that watches nothing,
        Unauthenticated if its token is not valid any more or the connection is older than ten minutes.
        """
        watches = self.watches.of_connection(connection_id)
        if not watches:
            raise NotFound("This connection watches nothing. Send a watch first.")
        principal = self._renewed(watches)
        numbers: dict[str, int] = {}
        for watch in watches:
            try:
                self._check(principal, watch)
            except CadenceError as error:
                self.watches.remove(connection_id, watch.subject)
                subject = {} if watch.is_list else {"run": watch.subject}
                message = {"kind": "problem", "code": error.code, "detail": error.message, **subject}
                self.sockets.post(connection_id, self.as_message(message))
                continue
            alive_until = min(self.clock() + ALIVE_FOR, watch.ends_at)
            self.watches.save(replace(watch, alive_until=alive_until))
            if not watch.is_list:
                numbers[watch.subject] = self.watches.last_number(watch.subject, watch.ends_at)
                self.hurry(watch.subject)
        self.sockets.post(connection_id, self.as_message({"kind": "pong", "runs": numbers}))

    def close(self, connection_id: str) -> None:
        """Removes what a connection watches."""
        for watch in self.watches.of_connection(connection_id):
            self.watches.remove(connection_id, watch.subject)

    def is_needed(self) -> bool:
        """Returns whether anyone watches anything, so that changes are worth looking at."""
        return self.watches.are_watching(None, self.clock())

    def publish(self, run_id: str, read: Callable[[], RunDelta | None]) -> int:
        """Sends what changed in a run to the connections that watch it, and returns how many these are.

        `read` returns the change, or None if clients would see none; it is called only for a watched run.
        """
        watchers = self.watches.watchers(run_id, self.clock())
        delta = read() if watchers else None
        if delta is None:
            return 0
        for part in _parts(delta):
            text = self._numbered(run_id, part)
            if len(text) > LARGEST_MESSAGE:
                # Its number is never sent: clients notice the gap, and read it by HTTP.
                text = self._numbered(run_id, {"state": {}, "treatments": []})
            watchers = [one for one in watchers if self._post(one, run_id, text)]
        return len(watchers)

    def _numbered(self, run_id: str, part: Mapping[str, Any]) -> str:
        """Returns a part as text for all who watch the run, with the number that it takes."""
        number = self.watches.next_number(run_id, self.clock() + _LONGEST_WATCH)
        return self.as_message({"kind": "states", "run": run_id, "number": number, **part})

    def _check(self, principal: Principal, watch: RunWatch) -> None:
        """Raises NotFound for what the caller does not see, which another token of this connection may have seen."""
        if not watch.is_list:
            self.visible.get(principal, watch.subject)
        elif watch.organization != principal.organization:
            raise NotFound(f"The runs of {watch.organization} are not those of this connection's first token.")

    def _of_ticket(self, text: str) -> Principal:
        try:
            ticket = self.tickets.use(secret_hash(text))
        except NotFound:
            raise Unauthenticated(_NO_TICKET) from None
        if self.clock() >= ticket.expires_at:
            raise Unauthenticated(_NO_TICKET)
        return self.authenticate.of_token(ticket.token_id, ticket.organization)

    def _known(self, watched: Sequence[RunWatch]) -> tuple[Principal, datetime]:
        if not watched:
            raise Unauthenticated("Send a `token`, or a `ticket` of POST /v1/live/tickets.")
        return self._renewed(watched), min(one.ends_at for one in watched)

    def _renewed(self, watches: Sequence[RunWatch]) -> Principal:
        """Returns who watches, with the rights of now. Raises Unauthenticated, Forbidden; then all watches are gone."""
        first = watches[0]
        try:
            if self.clock() >= min(one.ends_at for one in watches):
                raise Unauthenticated("This connection is older than ten minutes. Connect again.")
            return require(self.authenticate.of_token(first.token_id, first.organization), Permission.RUNS_READ)
        except CadenceError as error:
            self.close(first.connection_id)
            if isinstance(error, NotFound):
                raise Unauthenticated("The account has nothing here any more.") from None
            raise

    def _post(self, connection_id: str, subject: str, text: str) -> bool:
        try:
            self.sockets.post(connection_id, text)
        except Gone:
            self.watches.remove(connection_id, subject)
            return False
        return True


def _parts(delta: RunDelta) -> Iterator[Mapping[str, Any]]:
    """Yields what fits into a message each; the run comes with the last one, so that its end follows all else."""
    starts = range(0, len(delta.treatments), _PER_MESSAGE) or range(1)
    for start in starts:
        treatments = delta.treatments[start : start + _PER_MESSAGE]
        yield {"state": delta.run if start == starts[-1] else {}, "treatments": treatments}
