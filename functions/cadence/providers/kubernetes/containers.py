"""The containers of a pod beside the agent's: the treatment's own, its services, or those of a Mélodium worker.

All of these are native sidecars: they run before the agent begins, and the cluster ends them with it in any case. A
container that takes commands is started with a small script instead of its image's program; the agent sends it commands
through FIFOs of a folder in memory that both mount (`runner_bootstrap/machine/container.sh`). So neither a command nor
a secret is ever part of the manifest: variables of services are in the secret that belongs to the job.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cadence.domain.pipelines.specification import ServiceSpec
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.bootstrap import machine_folder
from cadence.providers.contract import RunnerRequest
from cadence.providers.kubernetes.settings import KubernetesSettings

Json = dict[str, Any]

ROOT = "/cadence"
"""The folder of the agent's container that it shares with the others.

The agent knows its parts (`runner_bootstrap/agent/containers/pod.py`).
"""

COMMAND = "command"
_SHELL = ("/bin/sh", "-c")
_MAKE_DESKS = 'for desk; do mkfifo -m 600 "$desk/calls" || exit; done'
_IN_MEMORY = {"medium": "Memory", "sizeLimit": "16Mi"}
_SLUG = re.compile(r"[^a-z0-9-]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RESTRICTED: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(kw_only=True)
class Beside:
    """The parts of a pod beside the agent.

    `mounts` are the agent's own. `secrets` go into the job's secret, by the keys that the parts name.
    """

    sidecars: list[Json] = field(default_factory=list)
    volumes: list[Json] = field(default_factory=list)
    mounts: list[Json] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    desks: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether there are containers beside the agent's."""
        return bool(self.sidecars)

    def share(self, volume: str, path: str, source: Mapping[str, Any]) -> Json:
        """Adds a volume that the agent has at this path; returns its mount."""
        self.volumes.append({"name": volume, "emptyDir": dict(source)})
        mount = {"name": volume, "mountPath": path}
        self.mounts.append(mount)
        return mount


def beside(settings: KubernetesSettings, request: RunnerRequest, secret: str) -> Beside:
    """Returns the parts; `secret` is the name of the job's secret.

    Raises ProviderRejected for a request that a pod cannot fulfil.
    """
    builder = _Builder(settings, request, secret)
    if request.containers.worker:
        builder.add_worker()
    else:
        builder.add_treatment()
    return builder.made


def desk_maker(settings: KubernetesSettings, request: RunnerRequest, parts: Beside) -> Json:
    """Returns the container that makes the folders of commands.

    It runs to its end before all others, so that the folders are ready for them.
    """
    return {
        "name": "desk",
        # This image is needed in any case.
        "image": settings.image_for(request.containers.engine),
        "command": [*_SHELL, _MAKE_DESKS, "sh", *(f"{ROOT}/desk/{name}" for name in parts.desks)],
        "resources": amounts(settings.agent_cpu, settings.agent_memory, settings.agent_storage),
        "securityContext": {**RESTRICTED, **as_user(settings), "readOnlyRootFilesystem": True},
        "volumeMounts": [mount for mount in parts.mounts if mount["mountPath"].startswith(f"{ROOT}/desk/")],
    }


def amounts(cpu: int, memory: int, storage: int) -> Json:
    """Returns the resources of a container; its request is its limit too. Millicores, MB."""
    quantities = {"cpu": f"{cpu}m", "memory": f"{memory}M", "ephemeral-storage": f"{storage}M"}
    return {"requests": quantities, "limits": quantities}


def as_user(settings: KubernetesSettings) -> Mapping[str, Any]:
    """Returns the security settings of a container that runs as the pool's user."""
    return {"runAsNonRoot": True, "runAsUser": settings.user, "runAsGroup": settings.user}


class _Builder:
    """Collects the parts for one request."""

    def __init__(self, settings: KubernetesSettings, request: RunnerRequest, secret: str) -> None:
        self._settings, self._request, self._secret = settings, request, secret
        self.made = Beside()
        self._names = {"runner", "desk"}
        # The mount of the folder where the agent works, with FIFOs and files of the command.
        self._workspace: Json | None = None

    def add_treatment(self) -> None:
        containers = self._request.containers
        if not containers.image and not containers.services:
            return
        needs, settings = self._request.needs, self._settings
        volumes = {name: self._volume(name, {}) for name in _volume_names(containers.volumes, containers.services)}
        self._share_workspace()
        for service in containers.services:
            self._add_service(service, volumes)
        if containers.image:
            mounts = [{"name": volumes[name], "mountPath": path} for name, path in containers.volumes.items()]
            resources = amounts(
                needs.cpu or settings.cpu, needs.memory or settings.memory, needs.storage or settings.storage
            )
            self._add_taking_commands(COMMAND, COMMAND, containers.image, resources, mounts)

    def add_worker(self) -> None:
        worker = self._request.containers.worker
        assert worker is not None
        slugs = slugs_of([container.name for container in (*worker.services, *worker.containers)])
        next_slugs = iter(slugs)
        volumes = {}
        for name, size in worker.volumes.items():
            volumes[name] = self._volume(name, {"sizeLimit": f"{size}M"})
            self.made.mounts.append({"name": volumes[name], "mountPath": f"{ROOT}/volumes/{slug_of(name)}"})
        if slugs:
            self._share_workspace()
        for container, is_service in (
            *((service, True) for service in worker.services),
            *((container, False) for container in worker.containers),
        ):
            slug = next(next_slugs)
            settings = self._settings
            resources = amounts(
                container.cpu or settings.service_cpu,
                container.memory or settings.service_memory,
                container.storage or settings.service_storage,
            )
            mounts = [{"name": volumes[volume], "mountPath": point} for volume, point in container.mounts.items()]
            self.made.hosts.append(slug)
            if is_service:
                part = self._part(slug, container.image, resources, mounts)
                self._add_variables(part, slug, container.env)
                if container.command is not None:
                    part["args"] = list(container.command)
                self.made.sidecars.append(part)
            else:
                self._add_taking_commands(slug, slug, container.image, resources, mounts)

    def _add_service(self, service: ServiceSpec, volumes: Mapping[str, str]) -> None:
        settings = self._settings
        resources = amounts(
            service.cpu or settings.service_cpu, service.memory or settings.service_memory, settings.service_storage
        )
        mounts = [{"name": volumes[name], "mountPath": path} for name, path in service.volumes.items()]
        name = f"service-{service.name}"
        part = self._part(name, service.image, resources, mounts)
        self._add_variables(part, name, service.env)
        if service.command is not None:
            # As in container engines, these are arguments of the image's entry point.
            part["args"] = list(service.command)
        if service.health_command:
            if not any(volume["name"] == "health" for volume in self.made.volumes):
                self.made.share("health", f"{ROOT}/health", _IN_MEMORY)
            part["volumeMounts"].append({"name": "health", "mountPath": f"{ROOT}/health"})
            probe_command = [
                *_SHELL,
                _script("health.sh"),
                "sh",
                f"{ROOT}/health/{service.name}",
                *service.health_command,
            ]
            part["readinessProbe"] = {
                "exec": {"command": probe_command},
                "periodSeconds": max(1, service.health_interval),
                "timeoutSeconds": max(1, min(30, service.health_timeout)),
            }
        if _HOST.fullmatch(service.name):
            self.made.hosts.append(service.name)
        self.made.sidecars.append(part)

    def _add_taking_commands(self, name: str, desk: str, image: str, resources: Json, mounts: Sequence[Json]) -> None:
        shared = self.made.share(f"desk-{desk}", f"{ROOT}/desk/{desk}", _IN_MEMORY)
        assert self._workspace is not None
        part = self._part(name, image, resources, [*mounts, shared, self._workspace])
        part["command"] = [*_SHELL, _script("container.sh"), "sh", f"{ROOT}/desk/{desk}"]
        if self._settings.pod_security == "baseline":
            # Its image may rely on root, which also can read and write all files of the agent.
            part["securityContext"] = {"runAsUser": 0, "runAsGroup": 0}
        self.made.desks.append(desk)
        self.made.sidecars.append(part)

    def _part(self, name: str, image: str, resources: Json, mounts: Sequence[Json]) -> Json:
        restricted = self._settings.pod_security == "restricted"
        return {
            "name": self._unique(name),
            "image": image,
            "restartPolicy": "Always",
            "resources": resources,
            "volumeMounts": list(mounts),
            "securityContext": {**RESTRICTED, **as_user(self._settings)} if restricted else {},
        }

    def _add_variables(self, part: Json, key: str, variables: Mapping[str, str]) -> None:
        """Adds variables by reference: the right to read pods does not include these."""
        entries = []
        for number, (name, value) in enumerate(sorted(variables.items())):
            secret_key = f"{key}.{number}"
            self.made.secrets[secret_key] = value
            entries.append({"name": name, "valueFrom": {"secretKeyRef": {"name": self._secret, "key": secret_key}}})
        if entries:
            part["env"] = entries

    def _share_workspace(self) -> None:
        storage = self._request.needs.storage or self._settings.storage
        self._workspace = self.made.share("workspace", f"{ROOT}/work", {"sizeLimit": f"{storage}M"})

    def _volume(self, name: str, source: Mapping[str, Any]) -> str:
        volume = f"volume-{slug_of(name)}"
        if any(other["name"] == volume for other in self.made.volumes):
            raise ProviderRejected(
                f"The volume {name} would have the same name in a pod as another one: give it another name."
            )
        self.made.volumes.append({"name": volume, "emptyDir": dict(source)})
        return volume

    def _unique(self, name: str) -> str:
        short = name[:60].rstrip("-")
        candidate, number = short, 1
        while candidate in self._names:
            number += 1
            candidate = f"{short}-{number}"
        self._names.add(candidate)
        return candidate


def slugs_of(names: Iterable[str]) -> list[str]:
    """Returns a different slug for each name, as the agent makes them too, so that both use the same names."""
    slugs: list[str] = []
    for name in names:
        base = slug = slug_of(name)
        number = 1
        while slug in slugs:
            number += 1
            slug = f"{base}-{number}"
        slugs.append(slug)
    return slugs


def slug_of(name: str) -> str:
    """Returns the same as `slug_of` of the agent, which is a program of its own."""
    plain = _SLUG.sub("-", name.lower()).strip("-")[:40].rstrip("-")
    return plain if plain and plain[0].isalpha() else f"c-{plain}".rstrip("-")


def _volume_names(mounted: Mapping[str, str], services: Iterable[ServiceSpec]) -> list[str]:
    return sorted({*mounted, *(name for service in services for name in service.volumes)})


@cache
def _script(name: str) -> str:
    return (machine_folder() / name).read_text()
