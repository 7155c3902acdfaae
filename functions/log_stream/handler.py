"""Keeps the log stream: `{"needed": true}` comes from `admit` and `melodium`, anything else is the hourly schedule.

The schedule also rescues records that fell out of the stream.
"""

from cadence.adapters.lambda_runtime.machine_boundary import Event, machine_task
from cadence.composition.log_stream import log_stream

keep, rescue = log_stream()


def task(event: Event) -> dict[str, str]:
    if event.get("needed"):
        return {"done": keep.needed()}
    # Rescued first: the stream may be removed.
    rescued = rescue.rescue()
    return {"done": keep.look(), "rescued": str(rescued)}


handler = machine_task("log_stream", task)
