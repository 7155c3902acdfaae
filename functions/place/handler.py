"""Treatment machine, state Place: `{run_id, treatment, task_token, state}`; the token is answered with a Placement.
State Await turn: `{operation: "wait", run_id, treatment, task_token}`; the token is answered when the treatment may be placed.

`state` is the machine's whole state: after CapacityExhausted it has `exhausted` and the last placement.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cadence.adapters.machine_boundary import Event, token_task
from cadence.composition import scheduling
from cadence.domain.pool import Placement

place, gates, machines = scheduling.place()


def task(event: Event) -> None:
    if event.get("operation") == "wait":
        gates.wait(event["run_id"], event["treatment"], event["task_token"])
        return
    state = event["state"]
    refused = _placement(state["placement"]["decision"]) if "exhausted" in state else None
    placement = place(event["run_id"], event["treatment"], refused)
    decision = dataclasses.asdict(placement) | {"decided_at": placement.decided_at.isoformat()}
    machines.succeed(event["task_token"], decision)


def _placement(data: Mapping[str, Any]) -> Placement:
    return Placement(
        **{**data, "exhausted": tuple(data["exhausted"]), "decided_at": datetime.fromisoformat(data["decided_at"])}
    )


handler = token_task("place", task, machines)
