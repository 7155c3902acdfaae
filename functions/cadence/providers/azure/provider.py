"""Virtual machines of Azure. A reference is the machine's name: `cadence-…-<number of the offer>`.

One call makes a machine with its disk, its interface and its address, which are deleted with it. A lack of room often
shows only while it is being made: until then `start` is `NotReady`. A machine that failed for lack of room stays, so
that the next repetition knows which offers were tried; all of them are deleted with the runner, or when no offer is
left.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, Conflict, NotFound, NotReady, ProviderRejected
from cadence.providers.azure.dialect import failure
from cadence.providers.azure.machine import machine, wanted
from cadence.providers.azure.probing import probe
from cadence.providers.azure.settings import AzureSettings
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import none_left, suitable
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, host_name
from cadence.providers.rest import Rest, RestResponse, all_there

_API = "2024-11-01"
_LONGEST_NAME = 60
_PREFIX = "cadence-"
_CONSOLE = 16 * 1024
_AT_ONCE = 8


class AzureProvider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: MachineOwner,
        settings: AzureSettings,
        rest: Rest,
        hidden: Hidden,
        api: LimitedApi,
        boot: BootOptions | None = None,
    ) -> None:
        self._owner, self._settings, self._rest, self._hidden = owner, settings, rest, hidden
        self._api, self._boot = api, boot or BootOptions(console="/dev/ttyS0")

    @property
    def start_api(self) -> LimitedApi:
        """The API whose rate limit starts wait for."""
        return self._api

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected("A machine of Azure needs the address to call home to.")
        cloud_config = user_data(request.home, request, self._boot)
        self._hidden.add(request.home.one_time_token, cloud_config)
        base, refusals = _base(request.runner_id), list[str]()
        chosen = suitable(self._settings.sizes, request.needs)
        last, existing = self._last(base)
        for number, (choice, zone) in enumerate(self._settings.offers):
            if number < last or choice not in chosen:
                continue
            name = f"{base}-{number}"
            try:
                if number > last:
                    body = wanted(self._settings, self._owner, name, choice, zone, request, cloud_config)
                    existing = self._create(name, body)
                return self._checked_state(name, existing)
            except CapacityExhausted as error:
                refusals.append(f"{choice.label}{f' in zone {zone}' if zone else ''}: {error.message}")
            except ProviderRejected:
                self._end(base)
                raise
        self._end(base)
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        if ref.startswith(_PREFIX):
            try:
                return machine(self._settings, self._get(ref))
            except NotFound:
                return Machine(ref=ref, runner_id="", condition=MachineCondition.GONE)
        _, entry = self._last(_base(ref))
        return (
            machine(self._settings, entry)
            if entry
            else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)
        )

    def stop(self, ref: str) -> None:
        """Deletes the machine and all others that were tried for the same runner."""
        self._end(ref.rsplit("-", 1)[0] if ref.startswith(_PREFIX) else _base(ref))

    def list_owned(self) -> Sequence[Machine]:
        """Returns the machines of the pool.

        Lists do not say whether a machine is switched on, so each is requested.
        """
        pages = self._rest.pages(self._settings.machines, params={"api-version": _API}, following=_next_page)
        owned = [
            entry
            for page in pages
            for entry in page["value"]
            if (entry.get("tags") or {}).get("cadence-owner") == self._owner.key
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return [entry for entry in pool.map(lambda entry: self.describe(entry["name"]), owned) if entry.runner_id]

    def probe(self) -> Sequence[Check]:
        return list(probe(self._settings, self._rest))

    def console(self, ref: str) -> str | None:
        if not ref.startswith(_PREFIX):
            _, entry = self._last(_base(ref))
            if entry is None:
                return None
            ref = entry["name"]
        params = {"api-version": _API, "sasUriExpirationTimeInMinutes": 5}
        try:
            data = self._rest.call(
                "POST", f"{self._settings.machines}/{ref}/retrieveBootDiagnosticsData", params=params
            ).body
            output = str(self._rest.call_elsewhere(data["serialConsoleLogBlobUri"]).body)
        except (NotFound, Conflict):
            return None
        return self._hidden.cut(output).encode()[-_CONSOLE:].decode("utf-8", "ignore")

    def _create(self, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the machine, also if another `start` was faster."""
        path, only_new = f"{self._settings.machines}/{name}", {"If-None-Match": "*"}
        try:
            with all_there():
                created: Mapping[str, Any] = self._rest.call(
                    "PUT", path, body=body, params={"api-version": _API}, headers=only_new
                ).body
        except Conflict as error:
            try:
                return self._get(name)
            except NotFound:
                raise NotReady(error.message) from None
        return created

    def _checked_state(self, name: str, entry: Mapping[str, Any] | None) -> str:
        """Returns the reference once Azure has found room.

        Raises NotReady before, and the failure of a machine that failed.
        """
        state = entry["properties"]["provisioningState"] if entry else ""
        if entry and state == "Failed":
            raise failure(entry if "instanceView" in entry["properties"] else self._get(name), self._hidden)
        if state == "Deleting":
            raise NotReady(f"Azure is still deleting {name}.")
        if state != "Succeeded":
            raise NotReady(f"Azure has not reported yet whether there is room for {name}.")
        return name

    def _end(self, base: str) -> None:
        """Deletes all machines of a runner. A missing one is no error."""
        for number in range(len(self._settings.offers)):
            with suppress(NotFound):
                self._rest.call("DELETE", f"{self._settings.machines}/{base}-{number}", params={"api-version": _API})

    def _last(self, base: str) -> tuple[int, Mapping[str, Any] | None]:
        """Returns the number of the offer that was tried last for a runner and its machine; -1 and None if none was."""
        for number in reversed(range(len(self._settings.offers))):
            with suppress(NotFound):
                return number, self._get(f"{base}-{number}")
        return -1, None

    def _get(self, name: str) -> Mapping[str, Any]:
        params = {"api-version": _API, "$expand": "instanceView"}
        entry: Mapping[str, Any] = self._rest.call("GET", f"{self._settings.machines}/{name}", params=params).body
        return entry


def _base(runner_id: str) -> str:
    return host_name(runner_id, longest=_LONGEST_NAME)


def _next_page(answer: RestResponse, _: int) -> str | None:
    following: str | None = answer.body.get("nextLink")
    return following
