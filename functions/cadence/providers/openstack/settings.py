"""What a pool of an OpenStack is told (`schemas/pool-settings/openstack/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.providers.choices import Choice


@dataclass(frozen=True, kw_only=True)
class OpenStackSettings:
    """`flavors` are tried in their order. `image` and `network` are ids. `volume_gb` boots from a volume of that size, which goes with its server."""

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
        flavors = tuple(Choice.from_json(one) for one in data["flavors"])
        return cls(**{**data, **lists, "flavors": flavors})

    @property
    def zones(self) -> tuple[str | None, ...]:
        """`None` is wherever nova wants."""
        return self.availability_zones or (None,)
