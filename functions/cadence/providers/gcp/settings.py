"""The settings of a pool of Google Compute Engine (`schemas/pool-settings/gcp/1.json`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice


@dataclass(frozen=True, kw_only=True)
class GcpSettings:
    """The settings. `zones` are tried in their order for each of `types`.

    `images` are by architecture, `subnetwork` is a path in the project.
    """

    project: str
    zones: tuple[str, ...]
    types: tuple[Choice, ...]
    images: Mapping[str, str]
    disk_type: str = "pd-balanced"
    disk_gb: int = 20
    network: str = "global/networks/default"
    subnetwork: str | None = None
    external_ip: bool = True
    service_account: str | None = None
    network_tags: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GcpSettings":
        disk = data.get("disk", {})
        return cls(
            project=data["project"],
            zones=tuple(data["zones"]),
            types=tuple(Choice.from_json(choice) for choice in data["types"]),
            images=data["images"],
            disk_type=disk.get("type", cls.disk_type),
            disk_gb=disk.get("gigabytes", cls.disk_gb),
            network=data.get("network", cls.network),
            subnetwork=data.get("subnetwork"),
            external_ip=data.get("external_ip", True),
            service_account=data.get("service_account"),
            network_tags=tuple(data.get("network_tags", ())),
        )

    @property
    def regions(self) -> Iterator[str]:
        """The regions of its zones, each once."""
        yield from dict.fromkeys(zone.rsplit("-", 1)[0] for zone in self.zones)
