"""The settings of a pool of an OpenStack (`schemas/pool-settings/openstack/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice


@dataclass(frozen=True, kw_only=True)
class OpenStackSettings:
    """The settings. `flavors` are tried in their order. `image` and `network` are ids.

    With `volume_gb`, a server boots from a volume of that size, which is deleted with it.
    """

    auth_url: str
    flavors: tuple[Choice, ...]
    image: str
    network: str
    region: str | None = None
    interface: str = "public"
    security_groups: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()
    volume_gb: int | None = None
    certificate_authority: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "OpenStackSettings":
        lists = {name: tuple(data.get(name, ())) for name in ("security_groups", "availability_zones")}
        flavors = tuple(Choice.from_json(flavor) for flavor in data["flavors"])
        return cls(**{**data, **lists, "flavors": flavors})

    @property
    def zones(self) -> tuple[str | None, ...]:
        """The availability zones; None lets nova choose."""
        return self.availability_zones or (None,)
