"""Treatment machine, state Place: `{run_id, treatment}`, and after CapacityExhausted `exhausted` and the last placement. Returns a Placement."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cadence.adapters.machine_boundary import Event, machine_task
from cadence.composition import scheduling
from cadence.domain.pool import Placement

place = scheduling.place()


def task(event: Event) -> Mapping[str, Any]:
    refused = _placement(event["placement"]["decision"]) if "exhausted" in event else None
    placement = place(event["run_id"], event["treatment"], refused)
    return dataclasses.asdict(placement) | {"decided_at": placement.decided_at.isoformat()}


def _placement(data: Mapping[str, Any]) -> Placement:
    return Placement(
        **{**data, "exhausted": tuple(data["exhausted"]), "decided_at": datetime.fromisoformat(data["decided_at"])}
    )


handler = machine_task("place", task)
