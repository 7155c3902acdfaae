"""Searching and following lines across runs."""

import json
from datetime import UTC, datetime, timedelta

from pydantic import Field

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model, Reply
from api.routes.logs.line_shapes import CountsView, CountView, FoundPage, LiveAddress, LivePageView, fitting
from api.shapes import Cursor, Name
from cadence.adapters.lines.line_json import hit_json, line_json
from cadence.application.search.find_lines import as_text, from_text
from cadence.application.search.live_ports import LivePosition
from cadence.application.search.ports import LineCount, LinePosition, SearchPage
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.search.parse import LONGEST_QUERY
from cadence.domain.search.query import FieldName
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("search")

_FIELD = "|".join(FieldName)
_MOST_FIELDS = 6

_Q = Field(
    "",
    max_length=LONGEST_QUERY,
    description='For example `level:error treatment:build since:2h "connection refused"`; see docs/search.md.',
)


class SearchQuery(Model):
    q: str = _Q
    project: Name | None = None
    limit: int = Field(100, ge=1, le=1_000)
    cursor: Cursor | None = None


class CountsQuery(Model):
    q: str = _Q
    project: Name | None = None
    by: str | None = Field(
        None,
        pattern=rf"^({_FIELD})(,({_FIELD})){{0,{_MOST_FIELDS - 1}}}$",
        description="Count by the values of this field, or of several, separated by commas, each by itself.",
    )
    interval: int | None = Field(None, ge=1, le=31_536_000, description="Count by intervals of so many seconds.")


class LiveQueryParameters(Model):
    q: str = _Q
    project: Name | None = None
    after: str | None = Field(
        None, max_length=120, description="Of the page before; without it, lines that come from now on."
    )
    wait: float = Field(0, ge=0, le=2, description="Seconds to wait for a first line.")
    limit: int = Field(1_000, ge=1, le=2_000)


@endpoints.add(
    "GET",
    "/v1/logs",
    Permission.LOGS_READ,
    answers={200: FoundPage},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def search_logs(call: Call, services: Services, query: SearchQuery) -> Reply:
    """Lists lines that match, across all runs that the token may read, newest first."""
    listing = ("logs", call.by.organization, call.by.project, call.by.subject, query.q, query.project)
    key = services.keys.key("CURSOR")
    now, before = services.clock(), None
    if query.cursor:
        # The meaning of `2h` stays as it was on the first page.
        began, _, place = verify(key, query.cursor, *listing).partition("|")
        now, before = datetime.fromisoformat(began), from_text(place)
    parsed = services.search.find.parse(query.q, now)
    page = services.search.find.page(call.by, parsed, query.project, query.limit, before)
    shown, older = _shown(page)
    body = {
        "lines": [hit_json(hit) for hit in page.hits[:shown]],
        "next": sign(key, f"{now.isoformat()}|{as_text(older)}", *listing) if older else None,
        "reached": older.time if older else None,
    }
    return Reply(json.dumps(body))


@endpoints.add(
    "GET",
    "/v1/logs/counts",
    Permission.LOGS_READ,
    answers={200: CountsView},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def count_logs(call: Call, services: Services, query: CountsQuery) -> CountsView:
    """Counts lines that match: in all, by a field, by intervals of time (the query then needs `since:`), or both.

    By several fields without intervals only: one request bounds the work for all of them.
    """
    find = services.search.find
    parsed = find.parse(query.q, services.clock())
    interval = timedelta(seconds=query.interval) if query.interval else None
    fields = [FieldName(name) for name in dict.fromkeys(query.by.split(","))] if query.by else []
    if len(fields) > 1:
        if interval:
            message = "Lines are counted by several fields, or by intervals: name one field, or no interval."
            raise InvalidRequest(message, [Violation("interval", message)])
        by_fields = dict(zip(fields, find.counts_by_fields(call.by, parsed, query.project, fields), strict=True))
        return CountsView(
            counts=[_count_view(field, count) for field, found in by_fields.items() for count in found.counts],
            complete=all(found.complete for found in by_fields.values()),
        )
    by = fields[0] if fields else None
    counts = find.counts(call.by, parsed, query.project, by, interval)
    return CountsView(counts=[_count_view(by, count) for count in counts.counts], complete=counts.complete)


@endpoints.add(
    "GET",
    "/v1/logs/live",
    Permission.LOGS_READ,
    answers={200: LivePageView},
    errors=(404, 410, 422),
    audit=AuditKind.VALUE,
)
def follow_logs(call: Call, services: Services, query: LiveQueryParameters) -> Reply:
    """Follows lines that match, across all runs that the token may read.

    Gaps that may have hidden some are listed as well.
    """
    after = LivePosition.of(query.after) if query.after else None
    page = services.search.live.read(call.by, query.q, query.project, after, query.limit, timedelta(seconds=query.wait))
    body = {
        "lines": [line_json(one.segment, one.index, one.line) for one in page.lines],
        "after": str(page.after),
        "more": page.more,
    }
    return Reply(json.dumps(body))


@endpoints.add("GET", "/v1/live", Permission.LOGS_READ, answers={200: LiveAddress})
def show_live(call: Call, services: Services) -> LiveAddress:
    """Shows the WebSocket address at which lines can be followed; docs/search.md describes the protocol."""
    return LiveAddress(url=services.search.live_url)


def _shown(page: SearchPage) -> tuple[int, LinePosition | None]:
    """Returns how many hits fit into one answer, and the cursor behind them."""
    shown = fitting([hit.line for hit in page.hits])
    return shown, page.hits[shown - 1].place if shown < len(page.hits) else page.older


def _count_view(field: FieldName | None, count: LineCount) -> CountView:
    return CountView(
        field=str(field) if field else None, start=_time(count.start), value=count.value, lines=count.lines
    )


def _time(start: datetime | None) -> str | None:
    return f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if start else None
