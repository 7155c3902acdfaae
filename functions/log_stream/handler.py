"""`{"needed": true}` from admission and the gateway; anything else is the hourly schedule."""

from cadence.adapters.machine_boundary import Event, machine_task
from cadence.composition.log_stream import keep_log_stream

keep = keep_log_stream()


def task(event: Event) -> dict[str, str]:
    return {"done": keep.needed() if event.get("needed") else keep.look()}


handler = machine_task("log_stream", task)
