"""`LineStore` in OpenSearch."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cadence.adapters.lines.line_times import Moments
from cadence.adapters.opensearch.conditions import Clause, OpenSearchCondition, translated
from cadence.adapters.opensearch.connection import OpenSearchConnection
from cadence.adapters.opensearch.indices import (
    LINE,
    MOMENT,
    OF_MISSING,
    PART,
    POSITION,
    PROJECT,
    RUN,
    SEGMENT,
    Indices,
    milliseconds,
    part_of,
)
from cadence.adapters.opensearch.writing import BulkWriter
from cadence.application.logs.ports import Line
from cadence.application.search.line_store_ports import Extent, LineStore
from cadence.application.search.ports import Hit, LinePosition
from cadence.application.search.split_ports import Deadline, SplitBounds, SplitCounting, SplitHits, Tally
from cadence.application.search.split_sources import counted_as
from cadence.application.shared.ports import Clock
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.query import FieldName, Query
from cadence.domain.shared.errors import Transient

_ORDER = [{MOMENT: "desc"}, {RUN: "desc"}, {SEGMENT: "desc"}, {POSITION: "desc"}]
_KEPT = [PROJECT, FieldName.PIPELINE.value, LINE]
# Candidates, and buckets of counts, that are fetched at a time.
_CANDIDATES, _BUCKETS = 1_000, 5_000
# Seconds for one search within a request, as the service counts it.
_LONGEST = "6s"
# The service accepts at most 65,536 values for one field.
_MOST_TERMS = 60_000


class OpenSearchLines(LineStore):
    """Lines in indices whose names begin with `prefix`."""

    def __init__(self, service: OpenSearchConnection, prefix: str, clock: Clock) -> None:
        self._service, self._indices = service, Indices(prefix)
        self._writing = BulkWriter(service, self._indices, clock)

    def put(self, segments: Sequence[tuple[Segment, Sequence[Line]]]) -> Mapping[tuple[str, int], str]:
        return self._writing.put(segments)

    def remove(self, organization: str, project: str, before: datetime) -> bool:
        return self._writing.remove(organization, project, before)

    def search(
        self, extent: Extent, query: Query, matcher: Matcher, limit: int, bounds: SplitBounds, over: Deadline
    ) -> SplitHits:
        condition = translated(query.where, extent.organization)
        hits: list[Hit] = []
        last: LinePosition | None = None
        size = min(limit, _CANDIDATES) if condition.exact else _CANDIDATES
        for page in self._pages(extent, query, condition, size, bounds):
            for hit in page:
                last = hit.place
                if bounds.from_place is not None and hit.place < bounds.from_place:
                    return SplitHits(hits)
                if condition.exact or _matches(matcher, hit):
                    hits.append(hit)
                    if len(hits) == limit:
                        return SplitHits(hits)
            if last is not None and over():
                return SplitHits(hits, last)
        return SplitHits(hits)

    def count(
        self, extent: Extent, query: Query, matcher: Matcher, counting: SplitCounting, over: Deadline
    ) -> tuple[Tally, bool]:
        if counting.by is FieldName.STATE:
            raise ValueError("Lines cannot be counted by state.")
        condition = translated(query.where, extent.organization)
        if not condition.exact:
            return self._counted_one_by_one(extent, query, condition, matcher, counting, over)
        of_all = extent.organization if counting.by is FieldName.ORGANIZATION else None
        where = self._where(extent, query, condition.clause)
        if counting.by is None or of_all is not None:
            return self._counted_by_time(extent, where, counting, of_all), True
        sources = _bucket_sources(counting)
        tally: Tally = {}
        after: Mapping[str, Any] = {}
        while True:
            composite = {"size": _BUCKETS, "sources": sources, **after}
            answer = self._search(extent, {"size": 0, "query": where, "aggs": {"all": {"composite": composite}}})
            buckets = answer.get("aggregations", {}).get("all", {"buckets": []})
            for bucket in buckets["buckets"]:
                key = bucket["key"]
                start = key["start"] // 1000 if "start" in key else None
                tally[start, key["value"]] = bucket["doc_count"]
            if "after_key" not in buckets:
                return tally, True
            if over():
                return tally, False
            after = {"after": buckets["after_key"]}

    def _pages(
        self, extent: Extent, query: Query, condition: OpenSearchCondition, size: int, bounds: SplitBounds
    ) -> Iterator[Sequence[Hit]]:
        """Returns candidates, newest first."""
        clauses: list[Clause] = [condition.clause]
        if bounds.from_place is not None:
            clauses.append({"range": {MOMENT: {"gte": _moment(bounds.from_place), "format": "epoch_millis"}}})
        body: dict[str, Any] = {
            "size": size,
            "query": self._where(extent, query, *clauses),
            "sort": _ORDER,
            "_source": _KEPT,
            "track_total_hits": False,
        }
        if bounds.before is not None:
            before = bounds.before
            body["search_after"] = [_moment(before), before.run_id, before.segment, before.index]
        while True:
            hits = self._search(extent, body)["hits"]["hits"]
            yield [_hit(extent.organization, hit) for hit in hits]
            if len(hits) < size:
                return
            body["search_after"] = hits[-1]["sort"]

    def _where(self, extent: Extent, query: Query, *clauses: Clause) -> Clause:
        """Returns the filter that every query has, and the query's own condition."""
        projects_since: dict[int, list[str]] = {}
        for project, since in extent.since.items():
            projects_since.setdefault(milliseconds(since), []).append(project)
        mine = [
            {
                "bool": {
                    "filter": [
                        {"terms": {PROJECT: projects}},
                        {"range": {MOMENT: {"gte": since, "format": "epoch_millis"}}},
                    ]
                }
            }
            for since, projects in projects_since.items()
        ]
        filters: list[Clause] = [{"bool": {"should": mine, "minimum_should_match": 1}}, *clauses]
        if query.until is not None:
            filters.append({"range": {MOMENT: {"lt": milliseconds(query.until), "format": "epoch_millis"}}})
        parts = [part_of(segment) for segment in extent.without]
        excluded = [{"terms": {PART: parts[at : at + _MOST_TERMS]}} for at in range(0, len(parts), _MOST_TERMS)]
        return {"bool": {"filter": filters, "must_not": excluded}}

    def _search(self, extent: Extent, body: Mapping[str, Any]) -> Any:
        with self._service.asked() as client:
            answer = client.search(
                index=self._indices.of_organization(extent.organization),
                body={**body, "timeout": _LONGEST},
                params={**OF_MISSING, "allow_partial_search_results": "false"},
            )
        if answer["timed_out"]:
            raise Transient("The search service took too long. Ask for a shorter time, or for less.")
        return answer

    def _counted_by_time(self, extent: Extent, where: Clause, counting: SplitCounting, value: str | None) -> Tally:
        """Counts all intervals, or all lines, at once: there are never many."""
        if counting.interval is None:
            answer = self._search(extent, {"size": 0, "query": where, "track_total_hits": True})
            total = int(answer["hits"]["total"]["value"])
            return {(None, value): total} if total else {}
        histogram = {
            "date_histogram": {"field": MOMENT, "fixed_interval": _every(counting.interval), "min_doc_count": 1}
        }
        answer = self._search(extent, {"size": 0, "query": where, "aggs": {"all": histogram}})
        buckets = answer.get("aggregations", {}).get("all", {"buckets": []})["buckets"]
        return {(bucket["key"] // 1000, value): bucket["doc_count"] for bucket in buckets}

    def _counted_one_by_one(
        self,
        extent: Extent,
        query: Query,
        condition: OpenSearchCondition,
        matcher: Matcher,
        counting: SplitCounting,
        over: Deadline,
    ) -> tuple[Tally, bool]:
        key_of = counted_as(counting)
        tally: Counter[tuple[int | None, str | None]] = Counter()
        for page in self._pages(extent, query, condition, _CANDIDATES, SplitBounds()):
            tally.update(key_of(hit) for hit in page if _matches(matcher, hit))
            if over():
                return dict(tally), False
        return dict(tally), True


def _bucket_sources(counting: SplitCounting) -> Sequence[Mapping[str, Any]]:
    assert counting.by is not None
    sources: list[Mapping[str, Any]] = [{"value": {"terms": {"field": counting.by.value}}}]
    if counting.interval is not None:
        sources.append({"start": {"date_histogram": {"field": MOMENT, "fixed_interval": _every(counting.interval)}}})
    return sources


def _every(interval: timedelta) -> str:
    return f"{int(interval.total_seconds())}s"


def _hit(organization: str, hit: Mapping[str, Any]) -> Hit:
    source = hit["_source"]
    line = json.loads(source[LINE])
    _, run_id, segment, position = hit["sort"]
    return Hit(
        place=LinePosition(line["time"], run_id, segment, position),
        organization=organization,
        project=source[PROJECT],
        pipeline=source[FieldName.PIPELINE.value],
        line=line,
    )


def _matches(matcher: Matcher, hit: Hit) -> bool:
    return matcher.matches(LineOwner(hit.organization, hit.project, hit.pipeline, hit.place.run_id), hit.line)


def _moment(place: LinePosition) -> int:
    return Moments().of(place.time)
