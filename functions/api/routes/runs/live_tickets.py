"""Tickets with which browsers connect by WebSocket: they hold a session, and no token that they could send."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Call, Endpoints, Model
from cadence.composition.api import Services
from cadence.domain.access.access import Permission

endpoints = Endpoints("runs")


class LiveTicketView(Model):
    ticket: str = Field(description="Opens one WebSocket connection as the caller, within 30 seconds.")
    url: str = Field(description="The WebSocket's address; if it has no scheme, relative to that of this API.")
    expires_at: datetime


@endpoints.add("POST", "/v1/live/tickets", Permission.RUNS_READ, answers={201: LiveTicketView})
def make_live_ticket(call: Call, services: Services) -> LiveTicketView:
    """Makes a ticket for watching runs by WebSocket; docs/architecture/events.md describes the protocol."""
    text, ticket = services.live_tickets.make(call.by)
    return LiveTicketView(ticket=text, url=services.search.live_url, expires_at=ticket.expires_at)
