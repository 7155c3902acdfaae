"""What is in a pod beside the agent's container: the treatment's own, its services, or those of a Mélodium worker.

All of these are native sidecars: they are there before the agent begins, and the cluster ends them with it, however it ends.
A container that takes commands is started with a small script instead of what its image has; the agent hands it commands
through FIFOs of a folder in memory that both mount (`runner_bootstrap/machine/container.sh`). So a command is never part of the
manifest, and nothing is either that could be a secret: variables of services are in the secret that goes with the job.
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
"""Where the agent's container has what it shares with the others; the agent knows its parts (`runner_bootstrap/agent/containers/pod.py`)."""

COMMAND = "command"
_SHELL = ("/bin/sh", "-c")
_MAKES_DESKS = 'for desk; do mkfifo -m 600 "$desk/calls" || exit; done'
_IN_MEMORY = {"medium": "Memory", "sizeLimit": "16Mi"}
_SLUG = re.compile(r"[^a-z0-9-]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RESTRICTED: Mapping[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(kw_only=True)
class Beside:
    """Parts of a pod. `mounts` are the agent's own. `secrets` go into the job's secret, by the keys that the parts name."""

    sidecars: list[Json] = field(default_factory=list)
    volumes: list[Json] = field(default_factory=list)
    mounts: list[Json] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    desks: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        return bool(self.sidecars)

    def share(self, volume: str, path: str, source: Mapping[str, Any]) -> Json:
        """A volume that the agent has at this path; returns its mount."""
        self.volumes.append({"name": volume, "emptyDir": dict(source)})
        mount = {"name": volume, "mountPath": path}
        self.mounts.append(mount)
        return mount


def beside(settings: KubernetesSettings, request: RunnerRequest, secret: str) -> Beside:
    """`secret` is the name of the job's secret. Raises ProviderRejected for what a pod cannot have."""
    making = _Making(settings, request, secret)
    if request.containers.worker:
        making.add_worker()
    else:
        making.add_treatment()
    return making.made


def desk_maker(settings: KubernetesSettings, request: RunnerRequest, made: Beside) -> Json:
    """Runs to its end before all others: the folders are ready when containers look into them."""
    return {
        "name": "desk",
        # The one that is there in any case.
        "image": settings.image_for(request.containers.engine),
        "command": [*_SHELL, _MAKES_DESKS, "sh", *(f"{ROOT}/desk/{name}" for name in made.desks)],
        "resources": amounts(settings.agent_cpu, settings.agent_memory, settings.agent_storage),
        "securityContext": {**RESTRICTED, **as_user(settings), "readOnlyRootFilesystem": True},
        "volumeMounts": [mount for mount in made.mounts if mount["mountPath"].startswith(f"{ROOT}/desk/")],
    }


def amounts(cpu: int, memory: int, storage: int) -> Json:
    """Of a container: what it is given is what it may take. Millicores, MB."""
    given = {"cpu": f"{cpu}m", "memory": f"{memory}M", "ephemeral-storage": f"{storage}M"}
    return {"requests": given, "limits": given}


def as_user(settings: KubernetesSettings) -> Mapping[str, Any]:
    return {"runAsNonRoot": True, "runAsUser": settings.user, "runAsGroup": settings.user}


class _Making:
    def __init__(self, settings: KubernetesSettings, request: RunnerRequest, secret: str) -> None:
        self._settings, self._request, self._secret = settings, request, secret
        self.made = Beside()
        self._names = {"runner", "desk"}
        # Where FIFOs and files of the command are; the agent works there.
        self._workspace: Json | None = None

    def add_treatment(self) -> None:
        asked = self._request.containers
        if not asked.image and not asked.services:
            return
        needs, settings = self._request.needs, self._settings
        volumes = {name: self._volume(name, {}) for name in _volume_names(asked.volumes, asked.services)}
        self._work_in_common()
        for service in asked.services:
            self._add_service(service, volumes)
        if asked.image:
            mounts = [{"name": volumes[name], "mountPath": path} for name, path in asked.volumes.items()]
            resources = amounts(
                needs.cpu or settings.cpu, needs.memory or settings.memory, needs.storage or settings.storage
            )
            self._add_taking_commands(COMMAND, COMMAND, asked.image, resources, mounts)

    def add_worker(self) -> None:
        worker = self._request.containers.worker
        assert worker is not None
        slugs = slugs_of([*(one.name for one in worker.services), *(one.name for one in worker.containers)])
        own = iter(slugs)
        volumes = {}
        for name, size in worker.volumes.items():
            volumes[name] = self._volume(name, {"sizeLimit": f"{size}M"})
            self.made.mounts.append({"name": volumes[name], "mountPath": f"{ROOT}/volumes/{slug_of(name)}"})
        if slugs:
            self._work_in_common()
        for container, is_service in (
            *((one, True) for one in worker.services),
            *((one, False) for one in worker.containers),
        ):
            slug = next(own)
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
                self._tell(part, slug, container.env)
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
        self._tell(part, name, service.env)
        if service.command is not None:
            # As container engines have it: arguments of the image's entry point.
            part["args"] = list(service.command)
        if service.health_command:
            if not any(volume["name"] == "health" for volume in self.made.volumes):
                self.made.share("health", f"{ROOT}/health", _IN_MEMORY)
            part["volumeMounts"].append({"name": "health", "mountPath": f"{ROOT}/health"})
            asks = [*_SHELL, _script("health.sh"), "sh", f"{ROOT}/health/{service.name}", *service.health_command]
            part["readinessProbe"] = {
                "exec": {"command": asks},
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
            # Its image may count on it, and whatever is the agent's can be read and written.
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

    def _tell(self, part: Json, key: str, variables: Mapping[str, str]) -> None:
        """Variables by reference: whoever may read pods need not read these."""
        told = []
        for number, (name, value) in enumerate(sorted(variables.items())):
            where = f"{key}.{number}"
            self.made.secrets[where] = value
            told.append({"name": name, "valueFrom": {"secretKeyRef": {"name": self._secret, "key": where}}})
        if told:
            part["env"] = told

    def _work_in_common(self) -> None:
        storage = self._request.needs.storage or self._settings.storage
        self._workspace = self.made.share("workspace", f"{ROOT}/work", {"sizeLimit": f"{storage}M"})

    def _volume(self, name: str, source: Mapping[str, Any]) -> str:
        volume = f"volume-{slug_of(name)}"
        if any(each["name"] == volume for each in self.made.volumes):
            raise ProviderRejected(f"The volume {name} cannot be told from another one in a pod: give it another name.")
        self.made.volumes.append({"name": volume, "emptyDir": dict(source)})
        return volume

    def _unique(self, name: str) -> str:
        short = name[:60].rstrip("-")
        found, number = short, 1
        while found in self._names:
            number += 1
            found = f"{short}-{number}"
        self._names.add(found)
        return found


def slugs_of(names: Iterable[str]) -> list[str]:
    """As the agent makes them too, so that both know the same container by the same name: no two alike."""
    found: list[str] = []
    for name in names:
        base = slug = slug_of(name)
        number = 1
        while slug in found:
            number += 1
            slug = f"{base}-{number}"
        found.append(slug)
    return found


def slug_of(name: str) -> str:
    """As `slug_of` of the agent, which is a program of its own."""
    plain = _SLUG.sub("-", name.lower()).strip("-")[:40].rstrip("-")
    return plain if plain and plain[0].isalpha() else f"c-{plain}".rstrip("-")


def _volume_names(mounted: Mapping[str, str], services: Iterable[ServiceSpec]) -> list[str]:
    return sorted({*mounted, *(name for service in services for name in service.volumes)})


@cache
def _script(name: str) -> str:
    return (machine_folder() / name).read_text()
