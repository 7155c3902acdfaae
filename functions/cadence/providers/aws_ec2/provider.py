"""Instances of EC2, each for one runner.

A start is one call, `CreateFleet`, however many types and subnets there are. A reference is `<region>/<instance id>`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cadence.application.placement.ports import Claims
from cadence.application.shared.ports import Clock
from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared.errors import CapacityExhausted, NotFound, ProviderRejected, Transient
from cadence.providers.aws import THROTTLES, Clients, clients, decided, secrets_of, tag_map
from cadence.providers.aws_ec2.fleets import FleetOffer, Fleets, offers
from cadence.providers.aws_ec2.probe import Ec2Probe
from cadence.providers.aws_ec2.settings import Ec2Settings
from cadence.providers.aws_ec2.warm import Warm
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.choices import none_left, suitable
from cadence.providers.circuit import SharedCircuit
from cadence.providers.contract import (
    Check,
    Credentials,
    Machine,
    MachineCondition,
    PacedCalls,
    ProviderContext,
    RunnerRequest,
    Unhurried,
)
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner, from_seconds

_CONDITIONS = {
    "pending": MachineCondition.STARTING,
    "running": MachineCondition.RUNNING,
    "shutting-down": MachineCondition.STOPPING,
    "stopping": MachineCondition.STOPPING,
    "stopped": MachineCondition.STOPPING,  # still has its disk
}
_PAGE = 1_000
# The part of the rate that is spared for repeated starts, which have no turn of their own and may take another's. Its
# size was tested against an emulated bucket only (docs/adr/0016-one-fleet-for-each-runner.md).
_SPARE = 0.05
_CONSOLE = 16 * 1024


@dataclass(frozen=True)
class WarmSupport:
    """The stores that keeping instances in advance needs; `wanted`: starts look for such instances."""

    claims: Claims
    clock: Clock
    wanted: bool = True


class Ec2Provider:
    """Implements `Provider` for one pool."""

    first_state = RunnerState.BOOTING
    # The boot program switches the machine off, and EC2 then ends it.
    ends_itself = True

    def __init__(
        self,
        owner: MachineOwner,
        settings: Ec2Settings,
        clients: Clients,
        hidden: Hidden,
        circuit: SharedCircuit,
        boot: BootOptions | None = None,
        calls: PacedCalls | None = None,
        waiting: WarmSupport | None = None,
    ) -> None:
        self._owner, self._settings, self._hidden = owner, settings, hidden
        self._clients, self._circuit, self._calls = clients, circuit, calls or Unhurried()
        self._boot = boot or BootOptions()
        self._fleets = Fleets(owner, settings, hidden)
        self._warm = (
            Warm(
                owner=owner,
                settings=settings,
                clients=clients,
                fleets=self._fleets,
                boot=self._boot,
                claims=waiting.claims,
                clock=waiting.clock,
                called=self._called,
            )
            if waiting
            else None
        )
        self._takes_warm = waiting is not None and waiting.wanted
        self._regions = tuple(dict.fromkeys(place.region for place in settings.places))

    @property
    def start_api(self) -> LimitedApi:
        """The API of the first region, where nearly all starts go; each region has its own."""
        return self._api(self._regions[0])

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ValueError("an instance needs the address to call home to")
        self._hidden.add(request.home.one_time_token)
        text = user_data(request.home, request, self._boot)
        if self._warm and self._takes_warm:
            # An earlier start may have bought one when none waited.
            ref = self._find(request.runner_id) or self._warm.take(request, text)
            if ref:
                return ref
        refusals: list[str] = []
        searched = False
        for offer in offers(self._settings, suitable(self._settings.types, request.needs)):
            refusal = self._circuit.opened_by(offer.label)
            if refusal is not None:
                # An earlier start, whose answer was lost, may have asked before the circuit opened.
                existing = None if searched else self._find(request.runner_id)
                searched = True
                if existing:
                    return existing
                refusals.append(f"{refusal.reason} (not asked again before {refusal.until:%H:%M:%S} UTC)")
                continue
            try:
                return self._launch(offer, request, text)
            except CapacityExhausted as error:
                refusals.append(error.message)
        raise none_left(refusals)

    def _launch(self, offer: FleetOffer, request: RunnerRequest, text: str) -> str:
        region = offer.place.region
        try:
            with self._called(region):
                launched = self._fleets.launch(self._clients("ec2", region), offer, request, text)
        except CapacityExhausted as error:
            self._circuit.refused(offer.label, error.message)
            raise
        except NotFound as error:  # a subnet or group that the settings name
            raise ProviderRejected(error.message) from None
        self._circuit.granted(offer.label)
        return f"{region}/{launched.instance_id}"

    def describe(self, ref: str) -> Machine:
        instances = self._instances(ref)
        if not instances:
            return Machine(ref=ref, runner_id="" if "/" in ref else ref, condition=MachineCondition.GONE)
        region, instance = instances[0]
        return self._machine(region, instance)

    def stop(self, ref: str) -> None:
        """Ends the instance, or by a runner's id all that were ever made for it."""
        if "/" in ref:
            self._terminate(*_parts(ref))
            return
        for region, instance in self._instances(ref):
            self._terminate(region, instance["InstanceId"])

    def stop_all(self, refs: Sequence[str]) -> None:
        """Ends many instances: one call for each region and thousand.

        A missing instance does not prevent the end of the others.
        """
        for region in dict.fromkeys(_parts(ref)[0] for ref in refs):
            ids = [_parts(ref)[1] for ref in refs if _parts(ref)[0] == region]
            for start in range(0, len(ids), _PAGE):
                self._terminate(region, *ids[start : start + _PAGE])

    def list_owned(self) -> Sequence[Machine]:
        filters = {"tag:cadence-owner": [self._owner.key], "instance-state-name": list(_CONDITIONS)}
        return [
            self._machine(region, instance) for region in self._regions for instance in self._described(region, filters)
        ]

    def probe(self) -> Sequence[Check]:
        return Ec2Probe(self._owner, self._settings, self._clients, self._hidden).checks()

    def keep_warm(self, ready: int, stopped: int) -> None:
        """Keeps instances stopped, also those that are to be ready: EC2 starts them in seconds."""
        if self._warm:
            self._warm.keep(ready + stopped)

    def console(self, ref: str) -> str | None:
        """Returns the console's output; on current types of instances that is all output up to now."""
        instances = self._instances(ref)
        if not instances:
            return None
        region, instance = instances[0]
        try:
            with self._called(region):
                answer = self._clients("ec2", region).get_console_output(InstanceId=instance["InstanceId"], Latest=True)
        except NotFound:
            return None
        printed = self._hidden.cut(answer.get("Output") or "")
        return printed[-_CONSOLE:].encode()[-_CONSOLE:].decode("utf-8", "ignore") or None

    def _find(self, runner_id: str) -> str | None:
        running = [
            (region, instance)
            for region, instance in self._instances(runner_id)
            if instance["State"]["Name"] in ("pending", "running")
        ]
        return f"{running[0][0]}/{running[0][1]['InstanceId']}" if running else None

    def _instances(self, ref: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Returns the instance of a reference, or all of a runner that EC2 still knows: running ones first."""
        if "/" in ref:
            region, instance_id = _parts(ref)
            try:
                return [(region, instance) for instance in self._described(region, {"instance-id": [instance_id]})]
            except NotFound:
                return []
        filters = {"tag:cadence-owner": [self._owner.key], "tag:cadence-runner": [ref]}
        matches = [(region, instance) for region in self._regions for instance in self._described(region, filters)]
        return sorted(matches, key=lambda match: match[1]["State"]["Name"] not in ("pending", "running"))

    def _described(self, region: str, filters: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Any]]:
        conditions = [{"Name": name, "Values": list(values)} for name, values in filters.items()]
        with self._called(region):
            paginator = self._clients("ec2", region).get_paginator("describe_instances")
            for page in paginator.paginate(Filters=conditions, PaginationConfig={"PageSize": _PAGE}):
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]

    def _terminate(self, region: str, *ids: str) -> None:
        ec2 = self._clients("ec2", region)
        try:
            with self._called(region):
                ec2.terminate_instances(InstanceIds=list(ids))
        except NotFound as error:
            # EC2 forgets an instance an hour after its end, and then refuses the whole list, saying which.
            remaining = [instance_id for instance_id in ids if instance_id not in error.message]
            if remaining and len(remaining) < len(ids):
                self._terminate(region, *remaining)
            elif len(ids) > 1:
                for instance_id in ids:
                    self._terminate(region, instance_id)

    @contextmanager
    def _called(self, region: str) -> Iterator[None]:
        """Turns refusals into errors; a throttle slows all starts in the region down."""
        try:
            with decided(self._hidden):
                yield
        except Transient as error:
            if error.details.get("reason") in THROTTLES:
                self._calls.refused(self._api(region), error.retry_after)
            raise

    def _api(self, region: str) -> LimitedApi:
        settings = self._settings
        pace = RateLimit(settings.pace.per_second * (1 - _SPARE), settings.pace.burst)
        return LimitedApi(settings.account or "own", region, "ec2:CreateFleet", pace)

    def _machine(self, region: str, instance: Mapping[str, Any]) -> Machine:
        tags = tag_map(instance.get("Tags", ()))
        spot = instance.get("InstanceLifecycle") == "spot"
        created: datetime | None = instance.get("LaunchTime")
        zone = instance.get("Placement", {}).get("AvailabilityZone") or region
        return Machine(
            ref=f"{region}/{instance['InstanceId']}",
            runner_id=tags.get("cadence-runner", ""),
            condition=_CONDITIONS.get(instance["State"]["Name"], MachineCondition.GONE),
            created_at=created,
            expires_at=from_seconds(tags.get("cadence-expires")),
            offer=f"{instance['InstanceType']} {'spot' if spot else 'on-demand'} in {zone}",
            price_per_hour=self._price(instance["InstanceType"], spot),
            reason=(instance.get("StateReason") or {}).get("Message") or instance.get("StateTransitionReason") or None,
        )

    def _price(self, instance_type: str, spot: bool) -> float | None:
        for choice in self._settings.types:
            if (choice.type, choice.spot) == (instance_type, spot):
                return choice.price_per_hour
        return None


def build(pool: Pool, credentials: Credentials, context: ProviderContext) -> Ec2Provider:
    """Returns the provider of a pool; implements `Build`."""
    return Ec2Provider(
        MachineOwner(context.installation, pool.organization, pool.name),
        Ec2Settings.from_json(pool.settings),
        clients(credentials),
        Hidden(secrets_of(credentials)),
        context.circuit(pool),
        BootOptions.from_json({"notices": "aws", **pool.settings.get("boot", {})}),
        context.calls,
        WarmSupport(context.claims, context.clock, bool(pool.policy.warm)) if context.claims else None,
    )


def _parts(ref: str) -> tuple[str, str]:
    region, _, instance_id = ref.partition("/")
    return region, instance_id
