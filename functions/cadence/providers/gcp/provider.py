"""Instances of Google Compute Engine. A reference is `<zone>/<name>`.

Names derive from the runner and are unique in a zone. A zone's lack of room often shows only in the operation that an
insertion began: until then `start` is `NotReady`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cadence.application.shared.ports import Clock
from cadence.domain.placement.pacing import LimitedApi
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, Conflict, NotFound, NotReady, ProviderRejected, Transient
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import Choice, none_left, suitable
from cadence.providers.contract import Check, Machine, MachineCondition, RunnerRequest
from cadence.providers.gcp.dialect import failure
from cadence.providers.gcp.instance import machine, request_id, wanted
from cadence.providers.gcp.probing import probe
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, host_name
from cadence.providers.rest import Rest, RestResponse, all_there

_CONSOLE = 16 * 1024
# The prefix of links between resources, independent of the address at which the API is called.
_LINKS = "https://www.googleapis.com/compute/v1"


class GcpProvider:
    """Implements `Provider` for one pool.

    `resources` is the API with the permissions of the credentials in the project.
    """

    first_state = RunnerState.BOOTING

    def __init__(
        self,
        owner: MachineOwner,
        settings: GcpSettings,
        compute: Rest,
        resources: Rest,
        hidden: Hidden,
        clock: Clock,
        api: LimitedApi,
        boot: BootOptions | None = None,
        page: int = 500,
    ) -> None:
        self._owner, self._settings, self._hidden, self._clock = owner, settings, hidden, clock
        self._compute, self._resources = compute, resources
        self._boot = boot or BootOptions(console="/dev/ttyS0")
        self._api, self._page = api, page

    @property
    def start_api(self) -> LimitedApi:
        """The API whose rate limit starts wait for."""
        return self._api

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ProviderRejected("An instance of Google Cloud needs the address to call home to.")
        cloud_config = user_data(request.home, request, self._boot)
        self._hidden.add(request.home.one_time_token, cloud_config)
        # In one zone the name alone keeps it from being made twice.
        if len(self._settings.zones) > 1 and (existing := self._find(request.runner_id)):
            return self._adopt(existing)
        refusals: list[str] = []
        for choice in suitable(self._settings.types, request.needs):
            for zone in self._settings.zones:
                try:
                    return self._insert(zone, choice, request, cloud_config)
                except CapacityExhausted as error:
                    refusals.append(f"{choice.label} in {zone}: {error.message}")
        raise none_left(refusals)

    def describe(self, ref: str) -> Machine:
        if "/" not in ref:
            instances = self._find(ref)
            return (
                machine(self._settings, instances[0])
                if instances
                else Machine(ref=ref, runner_id=ref, condition=MachineCondition.GONE)
            )
        try:
            return machine(self._settings, self._compute.get(self._path(ref)))
        except NotFound:
            return Machine(ref=ref, runner_id="", condition=MachineCondition.GONE, reason=self._end_of(ref))

    def stop(self, ref: str) -> None:
        refs = [ref] if "/" in ref else [machine(self._settings, instance).ref for instance in self._find(ref)]
        for instance_ref in refs:
            with suppress(NotFound):
                self._compute.call("DELETE", self._path(instance_ref))

    def list_owned(self) -> Sequence[Machine]:
        return [machine(self._settings, instance) for instance in self._list()]

    def probe(self) -> Sequence[Check]:
        return list(probe(self._settings, self._compute, self._resources))

    def console(self, ref: str) -> str | None:
        if "/" not in ref:
            instances = self._find(ref)
            if not instances:
                return None
            ref = machine(self._settings, instances[0]).ref
        try:
            # A negative start counts from the end.
            output = self._compute.get(f"{self._path(ref)}/serialPort", port=1, start=-_CONSOLE)["contents"]
        except NotFound:
            return None
        return self._hidden.cut(output).encode()[-_CONSOLE:].decode("utf-8", "ignore")

    def _insert(self, zone: str, choice: Choice, request: RunnerRequest, cloud_config: str) -> str:
        name = host_name(request.runner_id)
        body = wanted(self._settings, self._owner, zone, choice, request, cloud_config)
        insertion_id = request_id(self._owner, request.runner_id, zone, choice, self._clock())
        try:
            with all_there():
                operation = self._compute.post(self._instances(zone), body, requestId=insertion_id)
        except Conflict:
            return self._adopt([self._compute.get(f"{self._instances(zone)}/{name}")])
        if error := failure(operation, self._hidden):
            raise error
        if operation["status"] != "DONE":
            raise NotReady(f"Google Cloud has not reported yet whether {zone} has room for {name}.")
        return f"{zone}/{name}"

    def _adopt(self, existing: Sequence[Mapping[str, Any]]) -> str:
        first, *twins = sorted(existing, key=lambda instance: (instance["creationTimestamp"], instance["zone"]))
        for twin in twins:
            self.stop(machine(self._settings, twin).ref)
        ref = machine(self._settings, first).ref
        if first["status"] in ("PENDING", "PROVISIONING"):
            raise NotReady(f"Google Cloud has not reported yet whether there is room for {ref}.")
        return ref

    def _find(self, runner_id: str) -> list[Mapping[str, Any]]:
        return list(self._list(f' AND (name = "{host_name(runner_id)}")'))

    def _list(self, narrower: str = "") -> Iterator[Mapping[str, Any]]:
        path = f"projects/{self._settings.project}/aggregated/instances"
        params = {"filter": f'(labels.cadence_owner = "{self._owner.key}"){narrower}', "maxResults": self._page}
        for page in self._compute.pages(path, params=params, following=_next_page):
            if page.get("unreachables"):
                raise Transient(f"Google Cloud cannot reach {', '.join(page['unreachables'])} now.")
            for scope in (page.get("items") or {}).values():
                yield from scope.get("instances", ())

    def _end_of(self, ref: str) -> str | None:
        """Returns why there is no instance: the error of its last operation, or its preemption."""
        zone, name = ref.split("/", 1)
        target = f"{_LINKS}/{self._path(ref)}"
        params = {"filter": f'(targetLink = "{target}")', "maxResults": self._page}
        reason: str | None = None
        path = f"projects/{self._settings.project}/zones/{zone}/operations"
        for page in self._compute.pages(path, params=params, following=_next_page):
            for operation in page.get("items", ()):
                error = failure(operation, self._hidden)
                if error:
                    reason = error.message
                elif operation["operationType"] == "compute.instances.preempted":
                    reason = self._hidden.cut(
                        f"{name} was preempted: {operation.get('statusMessage', 'a spot instance')}"
                    )
        return reason

    def _instances(self, zone: str) -> str:
        return f"projects/{self._settings.project}/zones/{zone}/instances"

    def _path(self, ref: str) -> str:
        zone, name = ref.split("/", 1)
        return f"{self._instances(zone)}/{name}"


def _next_page(answer: RestResponse, _: int) -> Mapping[str, Any] | None:
    token = answer.body.get("nextPageToken")
    return {"pageToken": token} if token else None
