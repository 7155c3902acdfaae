"""The types of machines that a pool may buy: the first one that suffices and is available is taken."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.domain.shared.errors import CapacityExhausted
from cadence.providers.contract import RunnerNeeds

_AMD64 = "amd64"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A type of machine: millicores, MB, USD (or the pool's currency) for an hour; None is not known."""

    type: str
    arch: str = _AMD64
    cpu: int | None = None
    memory: int | None = None
    spot: bool = False
    price_per_hour: float | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Choice":
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})

    @property
    def label(self) -> str:
        """The name of the offer, with its market."""
        return f"{self.type} spot" if self.spot else self.type

    def suffices(self, needs: RunnerNeeds) -> bool:
        """Returns whether it has what is needed; unknown sizes count as sufficient."""
        return (
            needs.arch in (None, self.arch) and _at_least(self.cpu, needs.cpu) and _at_least(self.memory, needs.memory)
        )


def suitable(choices: Iterable[Choice], needs: RunnerNeeds) -> Sequence[Choice]:
    """Returns the choices that suffice, in their order.

    Raises CapacityExhausted if none is large enough, or of the architecture.
    """
    sufficient = [choice for choice in choices if choice.suffices(needs)]
    if not sufficient:
        requirements = {"architecture": needs.arch, "millicores": needs.cpu, "MB of memory": needs.memory}
        words = ", ".join(
            f"{value} {unit}" if unit != "architecture" else str(value) for unit, value in requirements.items() if value
        )
        raise CapacityExhausted(f"No machine type of this pool has what the treatment needs: {words}.")
    return sufficient


def none_left(refusals: Sequence[str]) -> CapacityExhausted:
    """Returns the error that all offers were refused, with each reason once."""
    return CapacityExhausted("; ".join(dict.fromkeys(refusals)))


def _at_least(available: int | None, needed: int | None) -> bool:
    return available is None or needed is None or available >= needed
