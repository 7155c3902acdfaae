"""What a pool of Kubernetes says (`schemas/pool-settings/kubernetes/1.json`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class KubernetesSettings:
    """`server` is the API's address, `certificate` the authority (PEM) that it is checked with. `image` is made from `runner_bootstrap/Containerfile`.

    `cpu`, `memory` and `storage` are what a treatment gets that asks for nothing: millicores, MB. `kept_for` is how long
    a finished job can still be looked at, in seconds.
    """

    server: str
    namespace: str
    image: str
    certificate: str | None = None
    service_account: str = "default"
    cpu: int = 1000
    memory: int = 2048
    storage: int = 10_000
    kept_for: int = 300
    arch: str | None = None
    user: int = 65_532
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    priority_class: str | None = None
    runtime_class: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KubernetesSettings":
        defaults = data.get("defaults", {})
        return cls(
            server=data["server"],
            namespace=data["namespace"],
            image=data["image"],
            certificate=data.get("certificate"),
            service_account=data.get("service_account", cls.service_account),
            cpu=defaults.get("cpu", cls.cpu),
            memory=defaults.get("memory", cls.memory),
            storage=defaults.get("storage", cls.storage),
            kept_for=data.get("kept_for", cls.kept_for),
            arch=data.get("arch"),
            user=data.get("user", cls.user),
            node_selector=dict(data.get("node_selector", {})),
            tolerations=tuple(data.get("tolerations", ())),
            labels=dict(data.get("labels", {})),
            image_pull_secrets=tuple(data.get("image_pull_secrets", ())),
            priority_class=data.get("priority_class"),
            runtime_class=data.get("runtime_class"),
        )
