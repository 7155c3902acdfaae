"""Returns the resources that an attempt's command used over time, beside its limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from cadence.application.runners.ports import SampleStore
from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.runners.resources import ResourceSample, in_order, thinned
from cadence.domain.runners.runner import Runner

_MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ResourceLimits:
    """The limits of a command: CPU in millicores, memory and disk in bytes.

    They are `enforced` in a container; a command on the machine itself is only measured.
    """

    cpu: int | None
    memory: int | None
    disk: int | None
    enforced: bool
    machine_cpu: int | None
    machine_memory: int | None


@dataclass(frozen=True)
class ResourceUsage:
    """The samples of an attempt, and its limits."""

    samples: Sequence[ResourceSample]
    limits: ResourceLimits


@dataclass(frozen=True)
class ResourceSeries:
    """Reads the resource samples of attempts."""

    samples: SampleStore

    def read(self, runner: Runner, spec: TreatmentSpec, most: int) -> ResourceUsage:
        """Returns at most `most` samples, spread over the attempt's whole time, and the limits."""
        last = runner.result.samples if runner.result else ()
        taken = in_order([*self.samples.list_samples(runner.runner_id), *last])
        return ResourceUsage(thinned(taken, most), limits(spec, runner))


def limits(spec: TreatmentSpec, runner: Runner) -> ResourceLimits:
    """Returns the limits that a specification sets, and the size of the runner's machine."""
    return ResourceLimits(
        cpu=spec.cpu,
        memory=spec.memory and spec.memory * _MEGABYTE,
        disk=spec.storage and spec.storage * _MEGABYTE,
        enforced=spec.image is not None,
        machine_cpu=_number(runner, "cpus", 1_000),
        machine_memory=_number(runner, "memory", _MEGABYTE),
    )


def _number(runner: Runner, fact: str, unit: int) -> int | None:
    """Returns a number that the machine reported, times `unit`; None for any other value that an agent may send."""
    number = runner.facts.get(fact)
    return round(number * unit) if isinstance(number, int | float) and not isinstance(number, bool) else None
