"""Machines of Template. A reference is `<zone>/<name>`; the name derives from the runner's id."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, Conflict, NotFound, ProviderRejected
from cadence.providers._template.settings import TemplateSettings
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import Choice, none_left, suitable
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, from_seconds, host_name
from cadence.providers.probing import checked
from cadence.providers.rest import Rest, RestResponse, all_there

_CONDITIONS = {
    "creating": MachineCondition.STARTING,
    "running": MachineCondition.RUNNING,
    "deleting": MachineCondition.STOPPING,
    "off": MachineCondition.STOPPING,
}
_CONSOLE = 16 * 1024


class TemplateProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: MachineOwner,
        settings: TemplateSettings,
        rest: Rest,
        hidden: Hidden,
        api: LimitedApi,
        boot: BootOptions | None = None,
        page: int = 100,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._api, self._boot, self._page = api, boot or BootOptions(), page

    @property
    def start_api(self) -> LimitedApi:
        """The API whose rate limit starts wait for before they are called."""
        return self._api

    def start(self, request: RunnerRequest) -> str:
        """Starts a machine. The machine of an earlier call is adopted, so all zones are searched first."""
        for zone in self._settings.zones:
            with suppress(NotFound):
                self._get(zone, host_name(request.runner_id))
                return f"{zone}/{host_name(request.runner_id)}"
        refusals: list[str] = []
        for choice in suitable(self._settings.types, request.needs):
            for zone in self._settings.zones:
                try:
                    return self._create(zone, choice, request)
                except CapacityExhausted as error:
                    refusals.append(f"{choice.type} in {zone}: {error.message}")
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        for zone, name in self._places(ref):
            with suppress(NotFound):
                return self._machine(zone, self._get(zone, name))
        return Machine(ref=ref, runner_id="" if "/" in ref else ref, condition=MachineCondition.GONE)

    def stop(self, ref: str) -> None:
        for zone, name in self._places(ref):
            with suppress(NotFound):
                self._rest.call("DELETE", f"zones/{zone}/machines/{name}")

    def list_owned(self) -> Sequence[Machine]:
        """Returns the machines of all zones.

        A missing answer is an error, never an empty zone: machines that are not listed are taken for gone.
        """
        return [self._machine(zone, entry) for zone in self._settings.zones for entry in self._list(zone)]

    def probe(self) -> Sequence[Check]:
        zone = self._settings.zones[0]
        credentials = checked("credentials", lambda: self._rest.get(f"zones/{zone}/machines", limit=1), "Give `token`.")
        if credentials.missing:
            return [credentials]
        return [credentials, checked("image", lambda: self._rest.get(f"images/{self._settings.image}"))]

    def console(self, ref: str) -> str | None:
        for zone, name in self._places(ref):
            with suppress(NotFound):
                text = str(self._rest.get(f"zones/{zone}/machines/{name}/console"))
                return self._hidden.cut(text).encode()[-_CONSOLE:].decode("utf-8", "ignore")
        return None

    def _create(self, zone: str, choice: Choice, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected("A machine of Template needs the address to call home to.")
        cloud_config = user_data(request.home, request, self._boot)
        self._hidden.add(request.home.one_time_token, cloud_config)
        name = host_name(request.runner_id)
        body = {
            "name": name,
            "type": choice.type,
            "image": self._settings.image,
            "tags": dict(self._owner.tags(request)),
            "user_data": cloud_config,
        }
        # It exists already if another call was faster.
        with suppress(Conflict), all_there():
            self._rest.post(f"zones/{zone}/machines", body)
        return f"{zone}/{name}"

    def _get(self, zone: str, name: str) -> Mapping[str, Any]:
        machine: Mapping[str, Any] = self._rest.get(f"zones/{zone}/machines/{name}")
        return machine

    def _list(self, zone: str) -> Iterator[Mapping[str, Any]]:
        params = {"tag": f"cadence-owner={self._owner.key}", "limit": self._page}
        for page in self._rest.pages(f"zones/{zone}/machines", params=params, following=_next_page):
            yield from page["machines"]

    def _places(self, ref: str) -> Iterator[tuple[str, str]]:
        """Returns the zone and name of a reference, or all those that a runner's machine may have."""
        if "/" in ref:
            zone, name = ref.split("/", 1)
            yield zone, name
        else:
            yield from ((zone, host_name(ref)) for zone in self._settings.zones)

    def _machine(self, zone: str, entry: Mapping[str, Any]) -> Machine:
        tags, prices = entry["tags"], {choice.type: choice.price_per_hour for choice in self._settings.types}
        return Machine(
            ref=f"{zone}/{entry['name']}",
            runner_id=tags.get("cadence-runner", ""),
            condition=_CONDITIONS.get(entry["state"], MachineCondition.STARTING),
            created_at=datetime.fromisoformat(entry["created_at"]),
            expires_at=from_seconds(tags.get("cadence-expires")),
            offer=f"{entry['type']} in {zone}",
            price_per_hour=prices.get(entry["type"]),
            reason=None if entry["state"] == "running" else entry["state"],
        )


def _next_page(answer: RestResponse, _: int) -> Mapping[str, Any] | None:
    after = answer.body.get("next")
    return {"after": after} if after else None
