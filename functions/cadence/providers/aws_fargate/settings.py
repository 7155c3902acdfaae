"""The settings of a pool of Fargate tasks (`schemas/pool-settings/aws_fargate/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.placement.pacing import RateLimit
from cadence.providers.choices import Choice

# Fargate's default rate limit of an account.
_PACE = RateLimit(per_second=20, burst=100)


@dataclass(frozen=True, kw_only=True)
class FargateSettings:
    """The settings. `image` is made from `runner_bootstrap/Containerfile`, for `arch`.

    `sizes` are tried in their order; they are those that Fargate offers, in millicores and MB.
    """

    region: str
    cluster: str
    image: str
    subnets: tuple[str, ...]
    sizes: tuple[Choice, ...]
    arch: str = "amd64"
    security_groups: tuple[str, ...] = ()
    public_ip: bool = False
    storage_gb: int = 20
    execution_role: str | None = None
    task_role: str | None = None
    log_group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    pace: RateLimit = _PACE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "FargateSettings":
        arch = data.get("arch", cls.arch)
        return cls(
            region=data["region"],
            cluster=data["cluster"],
            image=data["image"],
            subnets=tuple(data["subnets"]),
            sizes=tuple(_size(size, arch) for size in data["sizes"]),
            arch=arch,
            security_groups=tuple(data.get("security_groups", ())),
            public_ip=data.get("public_ip", False),
            storage_gb=data.get("storage_gb", cls.storage_gb),
            execution_role=data.get("execution_role"),
            task_role=data.get("task_role"),
            log_group=data.get("log_group"),
            tags=dict(data.get("tags", {})),
            account=data.get("account", ""),
            pace=RateLimit(**data["pace"]) if "pace" in data else _PACE,
        )


def _size(data: Mapping[str, Any], arch: str) -> Choice:
    name = f"{data['cpu'] / 1000:g} vCPU, {data['memory']} MB"
    return Choice(
        type=name,
        arch=arch,
        cpu=data["cpu"],
        memory=data["memory"],
        spot=data.get("spot", False),
        price_per_hour=data.get("price_per_hour"),
    )
