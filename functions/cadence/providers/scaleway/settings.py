"""The settings of a pool of Scaleway instances (`schemas/pool-settings/scaleway/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class ScalewaySettings:
    """The settings. `zones` are tried in their order for each of `types`.

    `image` is a label of the marketplace or an id.
    """

    project_id: str
    zones: tuple[str, ...]
    types: tuple[Choice, ...]
    image: str
    volume_type: str = "sbs_volume"
    volume_gb: int = 20
    security_group: str | None = None
    public_ip: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ScalewaySettings":
        volume = data.get("volume", {})
        return cls(
            project_id=data["project_id"],
            zones=tuple(data["zones"]),
            types=tuple(Choice.from_json(choice) for choice in data["types"]),
            image=data["image"],
            volume_type=volume.get("type", cls.volume_type),
            volume_gb=volume.get("gigabytes", cls.volume_gb),
            security_group=data.get("security_group"),
            public_ip=data.get("public_ip", True),
        )

    @property
    def volume_bytes(self) -> int:
        return self.volume_gb * GIGABYTE
