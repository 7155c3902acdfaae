"""The settings of a pool of EC2 instances (`schemas/pool-settings/aws_ec2/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.placement.pacing import RateLimit
from cadence.providers.choices import Choice

# AWS's default rate limit of an account.
_PACE = RateLimit(per_second=2, burst=5)


@dataclass(frozen=True)
class LaunchRegion:
    """One region to buy in. `images` are AMIs, or `resolve:ssm:…` names of them, by architecture."""

    region: str
    subnets: tuple[str, ...]
    images: Mapping[str, str]
    security_groups: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "LaunchRegion":
        return cls(
            region=data["region"],
            subnets=tuple(data["subnets"]),
            images=dict(data["images"]),
            security_groups=tuple(data.get("security_groups", ())),
        )


@dataclass(frozen=True, kw_only=True)
class Ec2Settings:
    """The settings. `places` are tried in their order, in each of them the `types` in theirs.

    Consecutive types that are all spot, or all on demand, are requested together, and EC2 chooses among them. Disks of
    `disk_gb` and `disk_type` are always encrypted.
    """

    places: tuple[LaunchRegion, ...]
    types: tuple[Choice, ...]
    disk_gb: int = 30
    disk_type: str = "gp3"
    disk_key: str | None = None
    root_device: str = "/dev/xvda"
    instance_profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    pace: RateLimit = _PACE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Ec2Settings":
        disk = data.get("disk", {})
        return cls(
            places=tuple(LaunchRegion.from_json(place) for place in data["places"]),
            types=tuple(Choice.from_json(choice) for choice in data["types"]),
            disk_gb=disk.get("gigabytes", cls.disk_gb),
            disk_type=disk.get("type", cls.disk_type),
            disk_key=disk.get("key"),
            root_device=disk.get("root_device", cls.root_device),
            instance_profile=data.get("instance_profile"),
            tags=dict(data.get("tags", {})),
            account=data.get("account", ""),
            pace=RateLimit(**data["pace"]) if "pace" in data else _PACE,
        )
