"""The settings of a pool of Azure virtual machines (`schemas/pool-settings/azure/1.json`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice


@dataclass(frozen=True, kw_only=True)
class AzureSettings:
    """The settings. `zones` are tried in their order for each of `sizes`; without zones, Azure chooses.

    `images` are by architecture: `{publisher, offer, sku, version}`, or `{id}`. `subnet` and `security_group` are ids.
    """

    tenant_id: str
    subscription_id: str
    resource_group: str
    location: str
    sizes: tuple[Choice, ...]
    images: Mapping[str, Mapping[str, str]]
    subnet: str
    zones: tuple[str, ...] = ()
    security_group: str | None = None
    public_ip: bool = True
    disk_type: str = "StandardSSD_LRS"
    disk_gb: int = 30
    trusted_launch: bool = True

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AzureSettings":
        disk = data.get("disk", {})
        return cls(
            tenant_id=data["tenant_id"],
            subscription_id=data["subscription_id"],
            resource_group=data["resource_group"],
            location=data["location"],
            sizes=tuple(Choice.from_json(choice) for choice in data["sizes"]),
            images=data["images"],
            subnet=data["subnet"],
            zones=tuple(data.get("zones", ())),
            security_group=data.get("security_group"),
            public_ip=data.get("public_ip", True),
            disk_type=disk.get("type", cls.disk_type),
            disk_gb=disk.get("gigabytes", cls.disk_gb),
            trusted_launch=data.get("trusted_launch", True),
        )

    @property
    def offers(self) -> Sequence[tuple[Choice, str | None]]:
        """The sizes, each with its zone, in the order in which they are tried."""
        return [(choice, zone) for choice in self.sizes for zone in (self.zones or (None,))]

    @property
    def group(self) -> str:
        """The path of the resource group."""
        return f"subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    @property
    def machines(self) -> str:
        """The path of its virtual machines."""
        return f"{self.group}/providers/Microsoft.Compute/virtualMachines"
