"""Instances of Scaleway: created switched off, given their user data, then switched on.

There is no client token, so the machine of an earlier `start` is found by its tag. A reference is `<zone>/<server>`, or
`<zone>/volume/<id>` for a disk without a machine: block storage outlives the machine it was made with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CadenceError, CapacityExhausted, Conflict, NotFound, NotReady, ProviderRejected
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import Choice, none_left, suitable
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, from_seconds, host_name
from cadence.providers.rest import Rest, RestResponse, all_there
from cadence.providers.scaleway.probing import probe
from cadence.providers.scaleway.settings import ScalewaySettings

ZONES = (
    *("fr-par-1", "fr-par-2", "fr-par-3"),
    *("nl-ams-1", "nl-ams-2", "nl-ams-3"),
    *("pl-waw-1", "pl-waw-2", "pl-waw-3"),
    *("it-mil-1",),
)
"""All zones: one that was removed from a pool's settings may still hold machines of it."""

_MAKING = timedelta(minutes=1)
_VOLUME = "volume"
_CONDITIONS = {
    "starting": MachineCondition.STARTING,
    "running": MachineCondition.RUNNING,
    "stopping": MachineCondition.STOPPING,
    "stopped": MachineCondition.STOPPING,
    "stopped_in_place": MachineCondition.STOPPING,
    "locked": MachineCondition.STOPPING,
}


class ScalewayProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: MachineOwner,
        settings: ScalewaySettings,
        rest: Rest,
        hidden: Hidden,
        api: LimitedApi,
        boot: BootOptions | None = None,
        page: int = 100,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._boot = boot or BootOptions()
        self._api, self._page = api, page

    @property
    def start_api(self) -> LimitedApi:
        """The API whose rate limit starts wait for."""
        return self._api

    def start(self, request: RunnerRequest) -> str:
        existing = self._find(request.runner_id, self._settings.zones)
        if existing:
            (zone, server), *twins = existing
            for twin in twins:
                with suppress(Conflict):  # one that is just being started is in the next inventory
                    self._end(*twin)
            return self._switch_on(zone, server, request)
        refusals: list[str] = []
        for choice in suitable(self._settings.types, request.needs):
            for zone in self._settings.zones:
                try:
                    return self._switch_on(zone, self._create(zone, choice, request), request)
                except CapacityExhausted as error:
                    refusals.append(f"{choice.type} in {zone}: {error.message}")
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        zone, rest = _parts(ref)
        if zone is None:
            matches = self._find(ref, self._settings.zones)
            return (
                self._machine(*matches[0])
                if matches
                else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)
            )
        try:
            if rest.startswith(f"{_VOLUME}/"):
                volume = self._rest.get(f"block/v1/zones/{zone}/volumes/{rest.removeprefix(f'{_VOLUME}/')}")
                return self._left_over(zone, volume)
            return self._machine(zone, self._rest.get(f"{_servers(zone)}/{rest}")["server"])
        except NotFound:
            return Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        zone, rest = _parts(ref)
        if zone is None:
            for server_zone, server in self._find(ref, self._settings.zones):
                self.stop(f"{server_zone}/{server['id']}")
            return
        try:
            if rest.startswith(f"{_VOLUME}/"):
                self._rest.call("DELETE", f"block/v1/zones/{zone}/volumes/{rest.removeprefix(f'{_VOLUME}/')}")
            else:
                self._end(zone, self._rest.get(f"{_servers(zone)}/{rest}")["server"])
        except NotFound:
            return
        except Conflict as error:
            raise NotReady(error.message) from None

    def list_owned(self) -> Sequence[Machine]:
        machines: list[Machine] = []
        for zone in self._settings.zones:
            machines += self._owned_in(zone)
        for zone in ZONES:
            if zone not in self._settings.zones:
                with suppress(NotFound, ProviderRejected):  # the zone is not open to this account
                    machines += self._owned_in(zone)
        return machines

    def probe(self) -> Sequence[Check]:
        return list(probe(self._settings, self._rest))

    def console(self, ref: str) -> str | None:
        """Returns None: Scaleway's API has no console output; the machine itself reports its boot phases."""
        return None

    def _create(self, zone: str, choice: Choice, request: RunnerRequest) -> Mapping[str, Any]:
        settings = self._settings
        body = {
            "name": host_name(request.runner_id),
            "commercial_type": choice.type,
            "image": settings.image,
            "project": settings.project_id,
            "tags": [f"{name}={value}" for name, value in self._owner.tags(request).items()],
            "volumes": {
                "0": {
                    "name": f"{self._volume_prefix}{request.runner_id}",
                    "size": settings.volume_bytes,
                    "volume_type": settings.volume_type,
                    "boot": False,
                }
            },
            "dynamic_ip_required": settings.public_ip,
            "protected": False,
            "boot_type": "local",
        }
        if settings.security_group:
            body["security_group"] = settings.security_group
        with all_there():
            server: Mapping[str, Any] = self._rest.post(_servers(zone), body)["server"]
        return server

    def _switch_on(self, zone: str, server: Mapping[str, Any], request: RunnerRequest) -> str:
        ref = f"{zone}/{server['id']}"
        if server["state"] != "stopped":
            return ref
        if request.home is None:
            raise ProviderRejected("A machine of Scaleway needs the address to call home to.")
        cloud_config = user_data(request.home, request, self._boot)
        self._hidden.add(request.home.one_time_token, cloud_config)
        path = f"{_servers(zone)}/{server['id']}"
        try:
            self._rest.call(
                "PATCH",
                f"{path}/user_data/cloud-init",
                data=cloud_config.encode(),
                headers={"Content-Type": "text/plain"},
            )
            self._rest.post(f"{path}/action", {"action": "poweron"})
        except (CapacityExhausted, Conflict, NotFound, ProviderRejected) as error:
            return self._after_refusal(zone, server, error)
        return ref

    def _after_refusal(self, zone: str, server: Mapping[str, Any], error: CadenceError) -> str:
        """Returns the reference if another `start` of the same runner was faster.

        If not, the machine that cannot be switched on is deleted again, since no record of it remains; raises NotReady
        or the error.
        """
        path = f"{_servers(zone)}/{server['id']}"
        with suppress(NotFound):
            server = self._rest.get(path)["server"]
            if server["state"] in ("starting", "running"):
                return f"{zone}/{server['id']}"
            self._end(zone, server)
        if isinstance(error, (Conflict, NotFound)):
            raise NotReady(error.message)
        raise error

    def _end(self, zone: str, server: Mapping[str, Any]) -> None:
        """Ends a machine with its disks.

        A running one is terminated with its local disks; one that is off is deleted, then its disks one by one.
        """
        path = f"{_servers(zone)}/{server['id']}"
        if server["state"] == "stopping":
            return
        with suppress(NotFound):
            if server["state"] == "stopped":
                self._rest.call("DELETE", path)
                for volume in (server.get("volumes") or {}).values():
                    self._delete_volume(zone, volume)
            else:
                self._rest.post(f"{path}/action", {"action": "terminate"})

    def _delete_volume(self, zone: str, volume: Mapping[str, Any]) -> None:
        """Deletes a disk; one that is still being detached is found by the inventory, and deleted then."""
        api = "block" if volume["volume_type"] == "sbs_volume" else "instance"
        with suppress(NotFound, Conflict):
            self._rest.call("DELETE", f"{api}/v1/zones/{zone}/volumes/{volume['id']}")

    def _find(self, runner_id: str, zones: Sequence[str]) -> list[tuple[str, Mapping[str, Any]]]:
        """Returns the zones and machines of a runner, the oldest first."""
        tag = f"cadence-runner={runner_id}"
        matches = [
            (zone, server)
            for zone in zones
            for server in self._list(zone, tag)
            if f"cadence-owner={self._owner.key}" in server["tags"]
        ]
        return sorted(matches, key=lambda match: (str(match[1].get("creation_date")), match[1]["id"]))

    def _list(self, zone: str, tag: str) -> Iterator[Mapping[str, Any]]:
        params = {"tags": tag, "project": self._settings.project_id, "per_page": self._page}
        for page in self._rest.pages(_servers(zone), params=params, following=self._next_page("servers")):
            # The API's filter also matches any one of several tags, and prefixes.
            yield from (server for server in page["servers"] if tag in server["tags"])

    def _volumes(self, zone: str) -> Iterator[Mapping[str, Any]]:
        if self._settings.volume_type != "sbs_volume":
            return
        params = {"name": self._volume_prefix, "project_id": self._settings.project_id, "page_size": self._page}
        for page in self._rest.pages(
            f"block/v1/zones/{zone}/volumes", params=params, following=self._next_page("volumes")
        ):
            yield from page["volumes"]

    def _owned_in(self, zone: str) -> list[Machine]:
        servers = [self._machine(zone, server) for server in self._list(zone, f"cadence-owner={self._owner.key}")]
        volumes = [
            self._left_over(zone, volume)
            for volume in self._volumes(zone)
            if volume["name"].startswith(self._volume_prefix) and not volume["references"]
        ]
        return servers + volumes

    @property
    def _volume_prefix(self) -> str:
        return f"cadence-{self._owner.key}-"

    def _next_page(self, key: str) -> Callable[[RestResponse, int], Mapping[str, Any] | None]:
        """Returns a function to the next page, until a page is not full.

        The two APIs have the total in different places.
        """
        return lambda answer, number: {"page": number + 1} if len(answer.body[key]) == self._page else None

    def _machine(self, zone: str, server: Mapping[str, Any]) -> Machine:
        tags = dict(tag.split("=", 1) for tag in server["tags"] if "=" in tag)
        kind = server["commercial_type"]
        prices = {choice.type: choice.price_per_hour for choice in self._settings.types}
        state = server["state"]
        return Machine(
            ref=f"{zone}/{server['id']}",
            runner_id=tags.get("cadence-runner", ""),
            condition=MachineCondition.STARTING
            if _untouched(server)
            else _CONDITIONS.get(state, MachineCondition.STARTING),
            created_at=_at(server.get("creation_date")),
            expires_at=from_seconds(tags.get("cadence-expires")),
            offer=f"{kind} in {zone}",
            price_per_hour=prices.get(kind),
            reason=server.get("state_detail") or (None if state == "running" else state),
        )

    def _left_over(self, zone: str, volume: Mapping[str, Any]) -> Machine:
        return Machine(
            ref=f"{zone}/{_VOLUME}/{volume['id']}",
            runner_id=volume["name"].removeprefix(self._volume_prefix),
            condition=MachineCondition.STOPPING,
            created_at=_at(volume.get("created_at")),
            offer=f"{volume['type']} disk in {zone}",
            reason="a disk without a machine",
        )


def _servers(zone: str) -> str:
    return f"instance/v1/zones/{zone}/servers"


def _parts(ref: str) -> tuple[str | None, str]:
    zone, slash, rest = ref.partition("/")
    return (zone, rest) if slash else (None, ref)


def _untouched(server: Mapping[str, Any]) -> bool:
    """Returns whether a machine was made and not switched on yet.

    One that is off for another reason was changed after it was made.
    """
    created, changed = _at(server.get("creation_date")), _at(server.get("modification_date"))
    return server["state"] == "stopped" and bool(created and changed and changed - created < _MAKING)


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
