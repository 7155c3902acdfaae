"""Records of the streams of the tables `logs` and `runs`: new segments, treatments and runs that came to an end."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from cadence.adapters.dynamodb.logs.log_items import SegmentItem
from cadence.adapters.dynamodb.runs.run_items import RunItem, TreatmentItem
from cadence.application.exports.observe import Changes
from cadence.domain.logs.log import Segment
from cadence.domain.runs.run import Run, Treatment

S = TypeVar("S", Treatment, Run)

Image = Mapping[str, Any]


def read_changes(records: Iterable[Mapping[str, Any]]) -> Changes:
    """Returns the new segments, treatments and runs; all other changes are left out."""
    segments: list[Segment] = []
    treatments: list[Treatment] = []
    runs: list[Run] = []
    for record in records:
        change = record["dynamodb"]
        image, before = change.get("NewImage"), change.get("OldImage")
        sort_key = change["Keys"]["sk"]["S"]
        if image is None:
            continue
        if sort_key.startswith(SegmentItem.PREFIX):
            # A segment never changes; one without its organization was written before segments had one.
            if before is None and "organization" in image:
                segments.append(SegmentItem.from_raw_data(dict(image)).segment())
        elif sort_key.startswith(TreatmentItem.PREFIX):
            treatments += _ended(image, before, lambda image: TreatmentItem.from_raw_data(dict(image)).treatment())
        elif sort_key == RunItem.SK:
            runs += _ended(image, before, lambda image: RunItem.from_raw_data(dict(image)).run())
    return Changes(segments, treatments, runs)


def _ended(image: Image, before: Image | None, read: Callable[[Image], S]) -> list[S]:
    """Returns the item if it ended with this change."""
    state = image["state"]["S"]
    if before is not None and before["state"]["S"] == state:
        return []
    item = read(image)
    return [item] if item.state.final else []
