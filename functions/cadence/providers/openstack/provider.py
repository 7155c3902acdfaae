"""Servers of nova. A reference is the runner's id; the inventory names servers by nova's own ids.

Nova accepts every request at once and looks for a host afterwards, so a server may turn out to have found no room:
`start` waits a moment, then raises NotReady until a host is chosen. Nova has no client token either: the server of an
earlier `start` is found by its metadata, and of several made at the same moment the oldest stays. The runner's id finds
it in any case.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from time import sleep
from typing import Any

from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, Conflict, NotFound, NotReady, ProviderRejected
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import Choice, none_left, suitable
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, from_seconds, host_name
from cadence.providers.openstack.services import OpenStackServices, means_full
from cadence.providers.openstack.settings import OpenStackSettings
from cadence.providers.probing import checked
from cadence.providers.rest import RestResponse, all_there

_CONSOLE_LINES = 200
_MOST_OF_A_CONSOLE = 16 * 1024
# Nova decides within about a second; a repeated `start` looks again.
_LOOKS = (0.2, 0.4, 0.8)
_CALLS_AT_ONCE = 3

_CONDITIONS = {
    "BUILD": MachineCondition.STARTING,
    "REBUILD": MachineCondition.STARTING,
    "ERROR": MachineCondition.STOPPING,
    "SHUTOFF": MachineCondition.STOPPING,
    "SUSPENDED": MachineCondition.STOPPING,
    "DELETED": MachineCondition.GONE,
    "SOFT_DELETED": MachineCondition.STOPPING,
}

Server = Mapping[str, Any]


class OpenStackProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: MachineOwner,
        settings: OpenStackSettings,
        services: OpenStackServices,
        hidden: Hidden,
        boot: BootOptions | None = None,
        pause: Callable[[float], None] = sleep,
        page: int = 100,
    ) -> None:
        self._owner, self._settings, self._services, self._hidden = owner, settings, services, hidden
        self._boot = boot or BootOptions()
        self._pause, self._page = pause, page

    def start(self, request: RunnerRequest) -> str:
        servers = self._servers_of(request.runner_id)
        failed = [server for server in servers if server["status"] == "ERROR"]
        for server in failed:
            self._delete(server["id"])
        if len(failed) < len(servers):
            return self._only_one(request.runner_id)
        tried = {_offer(server) for server in failed}
        refusals = [f"{_offer(server)}: {_fault(server)}" for server in failed]
        for choice in suitable(self._settings.flavors, request.needs):
            for zone in self._settings.zones:
                if _label(choice, zone) in tried:
                    continue
                try:
                    return self._create(choice, zone, request)
                except CapacityExhausted as error:
                    refusals.append(f"{_label(choice, zone)}: {error.message}")
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        try:
            return self._machine(self._services.compute.get(f"servers/{ref}")["server"])
        except (NotFound, ProviderRejected):  # any other id may be a bad request to nova
            servers = [server for server in self._servers_of(ref) if server["status"] != "ERROR"] or self._servers_of(
                ref
            )
        return (
            self._machine(servers[0]) if servers else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)
        )

    def stop(self, ref: str) -> None:
        for server in self._servers_of(ref):
            self._delete(server["id"])
        with suppress(ProviderRejected):  # a runner's id is none of nova's
            self._delete(ref)

    def list_owned(self) -> Sequence[Machine]:
        return [self._machine(server) for server in self._servers("^cadence-")]

    def probe(self) -> Sequence[Check]:
        settings, services = self._settings, self._services
        login = checked("credentials", services.log_in, "An application credential with the role `member`.")
        if login.missing:
            return [login]
        return [
            login,
            checked("quota", self._probe_quota, "Ask for a larger quota of the project."),
            checked("flavors", self._probe_flavors, "`openstack flavor list` shows what there is."),
            checked("image", self._probe_image, "`openstack image list` shows what there is."),
            checked(
                "network", lambda: services.network.get(f"v2.0/networks/{settings.network}"), "It is named by its id."
            ),
        ]

    def console(self, ref: str) -> str | None:
        ref = self.describe(ref).ref
        try:
            action = {"os-getConsoleOutput": {"length": _CONSOLE_LINES}}
            output = self._services.compute.post(f"servers/{ref}/action", action)["output"]
        except (NotFound, Conflict, ProviderRejected):
            return None
        return str(output)[-_MOST_OF_A_CONSOLE:] or None

    def _create(self, choice: Choice, zone: str | None, request: RunnerRequest) -> str:
        settings = self._settings
        if request.home is None:
            raise ProviderRejected("A server of OpenStack needs the address to call home to.")
        cloud_config = user_data(request.home, request, self._boot)
        self._hidden.add(request.home.one_time_token, cloud_config)
        body: dict[str, Any] = {
            "name": host_name(request.runner_id),
            "flavorRef": self._flavor_id(choice.type),
            "imageRef": settings.image,
            "networks": [{"uuid": settings.network}],
            "metadata": {**self._owner.tags(request), "cadence-offer": _label(choice, zone)},
            "user_data": base64.b64encode(cloud_config.encode()).decode(),
            # Where a network has no metadata service, cloud-init reads it from the drive.
            "config_drive": True,
        }
        if zone:
            body["availability_zone"] = zone
        if settings.security_groups:
            body["security_groups"] = [{"name": name} for name in settings.security_groups]
        if settings.volume_gb:
            del body["imageRef"]
            body["block_device_mapping_v2"] = [_root_volume(settings.image, settings.volume_gb)]
        with all_there():
            self._services.compute.post("servers", {"server": body})
        return self._only_one(request.runner_id)

    def _only_one(self, runner_id: str) -> str:
        """Keeps the same server in all of several calls at the same moment, each of which may have made one."""
        for _ in range(_CALLS_AT_ONCE):
            servers = self._servers_of(runner_id)
            if not servers:
                break
            for other in servers[1:]:
                self._delete(other["id"])
            with suppress(NotFound):  # another call kept another one
                self._await_place(servers[0])
                return runner_id
        raise NotReady("OpenStack: the requested server is not listed yet")

    def _await_place(self, server: Server) -> None:
        for seconds in (*_LOOKS, 0.0):
            if server["status"] == "ERROR":
                self._delete(server["id"])
                kind = CapacityExhausted if means_full(_fault(server)) else ProviderRejected
                raise kind(f"OpenStack: {_fault(server)}")
            if server["status"] != "BUILD" or server.get("hostId"):
                return
            self._pause(seconds)
            server = self._services.compute.get(f"servers/{server['id']}")["server"]
        raise NotReady("OpenStack: nova is still looking for a host")

    def _servers_of(self, runner_id: str) -> list[Server]:
        """Returns the servers of a runner, the oldest first."""
        servers = [
            server
            for server in self._servers(f"^{host_name(runner_id)}$")
            if server["metadata"].get("cadence-runner") == runner_id
            and server.get("OS-EXT-STS:task_state") != "deleting"
        ]
        return sorted(servers, key=lambda server: (server["created"], server["id"]))

    def _servers(self, name: str) -> Iterator[Server]:
        """Returns the servers of this pool whose name matches the regular expression.

        Nova returns no more at once than its own limit.
        """
        params: Mapping[str, Any] = {"name": name, "limit": self._page}
        for page in self._services.compute.pages("servers/detail", params=params, following=_next_servers):
            for server in page["servers"]:
                if server["metadata"].get("cadence-owner") == self._owner.key:
                    yield server

    def _delete(self, server_id: str) -> None:
        with suppress(NotFound):
            self._services.compute.call("DELETE", f"servers/{server_id}")

    def _machine(self, server: Server) -> Machine:
        metadata, status = server["metadata"], server["status"]
        offer = metadata.get("cadence-offer")
        deleting = server.get("OS-EXT-STS:task_state") == "deleting"
        return Machine(
            ref=str(server["id"]),
            runner_id=metadata.get("cadence-runner", ""),
            condition=MachineCondition.STOPPING if deleting else _CONDITIONS.get(status, MachineCondition.RUNNING),
            created_at=datetime.fromisoformat(server["created"]),
            expires_at=from_seconds(metadata.get("cadence-expires")),
            offer=offer,
            price_per_hour=next(
                (
                    choice.price_per_hour
                    for choice in self._settings.flavors
                    if offer == choice.type or str(offer).startswith(f"{choice.type} in ")
                ),
                None,
            ),
            reason=_fault(server) if status == "ERROR" else None if status == "ACTIVE" else status.lower(),
        )

    def _flavor_id(self, name: str) -> str:
        known = self._flavors()
        if name not in known:
            raise ProviderRejected(f"OpenStack has no flavor {name} for this project, only {', '.join(sorted(known))}")
        return known[name]

    def _flavors(self) -> Mapping[str, str]:
        pages = self._services.compute.pages("flavors", following=_next_flavors)
        return {flavor["name"]: flavor["id"] for page in pages for flavor in page["flavors"]}

    def _probe_quota(self) -> None:
        limits = self._services.compute.get("limits")["limits"]["absolute"]
        most, used = limits["maxTotalInstances"], limits["totalInstancesUsed"]
        if 0 <= most <= used:
            raise CapacityExhausted(f"{used} of {most} servers are in use")

    def _probe_flavors(self) -> None:
        known = self._flavors()
        missing = [choice.type for choice in self._settings.flavors if choice.type not in known]
        if missing:
            raise ProviderRejected(f"missing: {', '.join(missing)}")

    def _probe_image(self) -> None:
        image = self._services.image.get(f"v2/images/{self._settings.image}")
        if image["status"] != "active":
            raise ProviderRejected(f"image {image['name']} is {image['status']}")


def _label(choice: Choice, zone: str | None) -> str:
    return f"{choice.type} in {zone}" if zone else choice.type


def _offer(server: Server) -> str:
    return str(server["metadata"].get("cadence-offer", ""))


def _fault(server: Server) -> str:
    return str((server.get("fault") or {}).get("message") or "the server is in state ERROR")


def _root_volume(image: str, gigabytes: int) -> Mapping[str, Any]:
    return {
        "boot_index": 0,
        "uuid": image,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": gigabytes,
        "delete_on_termination": True,
    }


def _next_servers(answer: RestResponse, _: int) -> Mapping[str, Any] | None:
    return _marker(answer.body, "servers")


def _next_flavors(answer: RestResponse, _: int) -> Mapping[str, Any] | None:
    return _marker(answer.body, "flavors")


def _marker(page: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """Returns the parameter of the next page.

    The link to it may name an address that is not the catalog's, so only its presence is used.
    """
    more = any(link["rel"] == "next" for link in page.get(f"{kind}_links", ()))
    return {"marker": page[kind][-1]["id"]} if more and page[kind] else None
