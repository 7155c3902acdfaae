"""The settings of a pool of Kubernetes (`schemas/pool-settings/kubernetes/1.json`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class KubernetesSettings:
    """The settings. `server` is the API's address, `certificate` the authority (PEM) that it is checked with.

    `image` is made from `runner_bootstrap/Containerfile`, and so is `engine_image`, which has a Mélodium engine as
    well.

    `cpu`, `memory` and `storage` are the resources of a treatment that requests none: millicores, MB. Those of `agent`
    are for the agent's container beside a treatment's own, those of `service` for services and workers' containers that
    request none. `kept_for` is how long a finished job is kept, in seconds. `pod_security` is the level of the
    namespace: `restricted`, or `baseline`, where treatments' containers are root and services run as their images
    specify.
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
    agent_cpu: int = 500
    agent_memory: int = 256
    agent_storage: int = 1_000
    service_cpu: int = 500
    service_memory: int = 512
    service_storage: int = 2_000
    pod_security: str = "restricted"
    engine_image: str | None = None

    def image_for(self, engine: bool) -> str:
        """Returns the image of the agent's container. `engine`: a Mélodium engine runs in it."""
        return self.engine_image if engine and self.engine_image else self.image

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "KubernetesSettings":
        defaults, agent, service = (data.get(name, {}) for name in ("defaults", "agent", "services"))
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
            agent_cpu=agent.get("cpu", cls.agent_cpu),
            agent_memory=agent.get("memory", cls.agent_memory),
            agent_storage=agent.get("storage", cls.agent_storage),
            service_cpu=service.get("cpu", cls.service_cpu),
            service_memory=service.get("memory", cls.service_memory),
            service_storage=service.get("storage", cls.service_storage),
            pod_security=data.get("pod_security", cls.pod_security),
            engine_image=data.get("engine_image"),
        )
