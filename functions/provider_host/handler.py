"""Starts runners on self-registered hosts."""

from cadence.adapters.lambda_runtime.machine_boundary import token_task
from cadence.composition.provider_host import provider_host

operations, machines = provider_host()

handler = token_task("provider_host", operations.handle, machines)
