"""The settings of a pool of a vCenter (`schemas/pool-settings/vsphere/1.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class VSphereSettings:
    """The settings. Places are inventory paths below the datacenter.

    `template` and `folder` are in its VM folder, `resource_pool` in its host folder. `thumbprint` is the SHA-256 of the
    server's certificate in hex, `certificate_authority` one in PEM; with neither, the system's authorities are trusted.
    `cpu` (millicores) and `memory` (MB) are a runner's size where the treatment requests none; None is as in
    the template.
    """

    server: str
    datacenter: str
    template: str
    resource_pool: str
    datastore: str
    port: int = 443
    folder: str = ""
    network: str | None = None
    thumbprint: str | None = None
    certificate_authority: str | None = None
    linked_clone: bool = False
    cpu: int | None = None
    memory: int | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "VSphereSettings":
        return cls(**data)
