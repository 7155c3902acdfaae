"""Starts the worker that an engine asks for."""

from dataclasses import dataclass

from cadence.domain.access import Principal
from cadence.domain.errors import ProviderRejected
from cadence.domain.melodium.request import LaunchRequest


@dataclass(frozen=True)
class RefuseWorkers:
    """Implements `StartWorker` where no workers are started."""

    def __call__(self, by: Principal, request: LaunchRequest) -> str:
        raise ProviderRejected("No workers are started here.")
