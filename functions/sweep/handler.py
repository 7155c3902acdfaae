"""Every five minutes: sweeps the pools whose machines may have been left running."""

from typing import Any

from cadence.adapters.lambda_runtime.machine_boundary import machine_task
from cadence.composition.sweep import sweep_pools

_sweep = sweep_pools()


def task(event: Any) -> None:
    _sweep.sweep()


handler = machine_task("sweep", task)
