"""The settings of a pool of Template (`schemas/pool-settings/template/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice


@dataclass(frozen=True)
class TemplateSettings:
    """The settings; `zones` are tried in their order for each of `types`."""

    zones: tuple[str, ...]
    types: tuple[Choice, ...]
    image: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TemplateSettings":
        return cls(
            zones=tuple(data["zones"]),
            types=tuple(Choice.from_json(choice) for choice in data["types"]),
            image=data["image"],
        )
