"""Names of the lines' indices, and the content of their documents."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ulid import ULID

from cadence.adapters.lines.line_times import Moments
from cadence.application.logs.ports import Line
from cadence.domain.logs.log import Segment
from cadence.domain.search.query import FieldName
from cadence.domain.search.tokens import parted
from cadence.domain.shared.errors import InvalidRequest

MOMENT, SEGMENT, POSITION, PART, WORDS, LINE = "moment", "segment", "position", "part", "words", "line"
PROJECT, RUN = FieldName.PROJECT.value, FieldName.RUN.value
# Fields of a line by their names in the query language; empty where a line has none.
FIELDS = (
    FieldName.PROJECT,
    FieldName.PIPELINE,
    FieldName.RUN,
    FieldName.TREATMENT,
    FieldName.RUNNER,
    FieldName.POOL,
    FieldName.STREAM,
    FieldName.LEVEL,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# An organization without lines has no index.
OF_MISSING: Mapping[str, str] = {"ignore_unavailable": "true", "allow_no_indices": "true"}

BODY: Mapping[str, Any] = {
    "settings": {"index": {"number_of_shards": 1, "codec": "best_compression", "mapping.total_fields.limit": 50}},
    "mappings": {
        "dynamic": "strict",
        "properties": {
            **{field.value: {"type": "keyword"} for field in FIELDS},
            MOMENT: {"type": "date", "format": "epoch_millis"},
            SEGMENT: {"type": "long"},
            POSITION: {"type": "integer"},
            # Run and segment, to be left out by.
            PART: {"type": "keyword", "doc_values": False},
            # The words are separated by spaces: they are what `domain.search.tokens` made of the text.
            WORDS: {"type": "text", "analyzer": "whitespace", "norms": False},
            # The line as JSON, in a text: it may hold characters that no JSON document of the service may.
            LINE: {"type": "object", "enabled": False},
        },
    },
}


class Indices:
    """Names of indices: `<prefix>.<organization>.<month in which the run began>`.

    No organization has a dot in its name.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def of_run(self, organization: str, run_id: str) -> str:
        return f"{self._prefix}.{organization}.{_month(run_id)}"

    def of_organization(self, organization: str) -> str:
        """Returns a pattern for all indices of an organization."""
        return f"{self._prefix}.{organization}.*"

    @staticmethod
    def month_of(name: str) -> str:
        """Returns a month, such as `2026-11`."""
        return name.rpartition(".")[2]


def milliseconds(time: datetime) -> int:
    """Returns milliseconds since 1970. Fractions are cut, as in the texts that times are compared as."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def part_of(segment: Segment) -> str:
    return f"{segment.run_id}-{segment.number}"


def documents(segment: Segment, lines: Sequence[Line]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Returns id and document of each line. Raises InvalidRequest if one of them is no line of a log."""
    try:
        moments = Moments().all_of([line["time"] for line in lines])
        words = parted([line["text"] for line in lines])
        return [
            (f"{part_of(segment)}-{position}", _document(segment, position, line, moment, tokens))
            for position, (line, moment, tokens) in enumerate(zip(lines, moments, words, strict=True))
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest("Its object does not hold log lines.") from error


def _document(segment: Segment, position: int, line: Line, moment: int, words: str) -> Mapping[str, Any]:
    return {
        PROJECT: segment.project,
        FieldName.PIPELINE.value: segment.pipeline,
        RUN: segment.run_id,
        FieldName.TREATMENT.value: line["treatment"],
        FieldName.RUNNER.value: line["runner"],
        FieldName.POOL.value: line.get("pool") or "",
        FieldName.STREAM.value: line["stream"],
        FieldName.LEVEL.value: line["level"],
        MOMENT: moment,
        SEGMENT: segment.number,
        POSITION: position,
        PART: part_of(segment),
        WORDS: words,
        LINE: json.dumps(line),
    }


def _month(run_id: str) -> str:
    """Returns the month in which the run began, from the run's id, so that a line always goes into the same index."""
    began: datetime = ULID.from_str(run_id.upper()).datetime
    return f"{began:%Y-%m}"
