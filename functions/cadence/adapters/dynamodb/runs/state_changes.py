"""Records of the `runs` table's stream: what changed in each run."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from cadence.adapters.dynamodb.runs.run_items import RunItem, TreatmentItem, partition
from cadence.application.runs.run_delta import Json, RunDelta, run_fields, treatment_fields

Image = Mapping[str, Any]


def records_by_run(records: Iterable[Mapping[str, Any]]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Returns a batch's records by the run that they belong to, each run's in their order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        found.setdefault(record["dynamodb"]["Keys"]["pk"]["S"].removeprefix(partition("")), []).append(record)
    return found


def read_delta(records: Sequence[Mapping[str, Any]]) -> RunDelta | None:
    """Returns what changed in a run, None if that is nothing that clients see.

    Of several changes of a treatment the last one is returned.
    """
    run: Json = {}
    treatments: dict[str, Json] = {}
    for record in records:
        change = record["dynamodb"]
        image, before = change.get("NewImage"), change.get("OldImage")
        sort_key = change["Keys"]["sk"]["S"]
        if image is None:
            continue
        if sort_key == RunItem.SK:
            run = _changed(_run, image, before) or run
        elif sort_key.startswith((TreatmentItem.PREFIX, TreatmentItem.ELEMENTS)):
            shown = _changed(_treatment, image, before)
            if shown:
                treatments[sort_key] = shown
    return RunDelta(run, list(treatments.values())) if run or treatments else None


def changed_lists(records: Iterable[Mapping[str, Any]]) -> AbstractSet[str]:
    """Returns the organizations of the runs that began or changed, as far as clients see it."""
    changes = [record["dynamodb"] for record in records if record["dynamodb"]["Keys"]["sk"]["S"] == RunItem.SK]
    return {
        change["NewImage"]["organization"]["S"]
        for change in changes
        if "NewImage" in change and _changed(_run, change["NewImage"], change.get("OldImage"))
    }


def _changed(read: Any, image: Image, before: Image | None) -> Json | None:
    shown: Json = read(image)
    return None if before is not None and read(before) == shown else shown


def _run(image: Image) -> Json:
    return run_fields(RunItem.from_raw_data(dict(image)).run())


def _treatment(image: Image) -> Json:
    return treatment_fields(TreatmentItem.from_raw_data(dict(image)).treatment())
