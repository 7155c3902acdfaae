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
from cadence.providers.circuit import Circuit
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
# Of the pace: for starts that are repeated, which have no turn of their own and may take somebody else's. How much is
# needed was tried against an emulated bucket only (docs/adr/0016-one-fleet-for-each-runner.md).
_SPARE = 0.05
_CONSOLE = 16 * 1024


@dataclass(frozen=True)
class WarmSupport:
    """What it takes to keep instances waiting; `wanted`: starts look for them."""

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
        circuit: Circuit,
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
        """Each region has its own; the first place is where nearly all starts go."""
        return self._api(self._regions[0])

    def start(self, request: RunnerRequest) -> str:
        if request.home is None:
            raise ValueError("an instance has to be told how to call home")
        self._hidden.add(request.home.one_time_token)
        text = user_data(request.home, request, self._boot)
        if self._warm and self._takes_warm:
            # An earlier start may have bought one when none waited.
            ref = self._find(request.runner_id) or self._warm.take(request, text)
            if ref:
                return ref
        refusals: list[str] = []
        looked = False
        for offer in offers(self._settings, suitable(self._settings.types, request.needs)):
            refusal = self._circuit.opened_by(offer.label)
            if refusal is not None:
                # An earlier start, whose answer was lost, may have asked before the circuit opened.
                found = None if looked else self._find(request.runner_id)
                looked = True
                if found:
                    return found
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
        except NotFound as error:  # a subnet, a group: what the settings name
            raise ProviderRejected(error.message) from None
        self._circuit.granted(offer.label)
        return f"{region}/{launched.instance_id}"

    def describe(self, ref: str) -> Machine:
        found = self._instances(ref)
        if not found:
            return Machine(ref=ref, runner_id="" if "/" in ref else ref, condition=MachineCondition.GONE)
        region, instance = found[0]
        return self._machine(region, instance)

    def stop(self, ref: str) -> None:
        """By a runner's id: all that were ever made for it."""
        if "/" in ref:
            self._terminate(*_parts(ref))
            return
        for region, instance in self._instances(ref):
            self._terminate(region, instance["InstanceId"])

    def stop_all(self, refs: Sequence[str]) -> None:
        """Many at once: one call for each region and thousand. One that is missing does not keep the others."""
        for region in dict.fromkeys(_parts(ref)[0] for ref in refs):
            ids = [_parts(ref)[1] for ref in refs if _parts(ref)[0] == region]
            for start in range(0, len(ids), _PAGE):
                self._terminate(region, *ids[start : start + _PAGE])

    def list_owned(self) -> Sequence[Machine]:
        wanted = {"tag:cadence-owner": [self._owner.key], "instance-state-name": list(_CONDITIONS)}
        return [
            self._machine(region, instance) for region in self._regions for instance in self._described(region, wanted)
        ]

    def probe(self) -> Sequence[Check]:
        return Ec2Probe(self._owner, self._settings, self._clients, self._hidden).checks()

    def keep_warm(self, ready: int, stopped: int) -> None:
        """Those that are to be ready are stopped as well: EC2 starts them in seconds."""
        if self._warm:
            self._warm.keep(ready + stopped)

    def console(self, ref: str) -> str | None:
        """What EC2 has of it; on current types of instances that is what was printed up to now."""
        found = self._instances(ref)
        if not found:
            return None
        region, instance = found[0]
        try:
            with self._called(region):
                answer = self._clients("ec2", region).get_console_output(InstanceId=instance["InstanceId"], Latest=True)
        except NotFound:
            return None
        printed = self._hidden.cut(answer.get("Output") or "")
        return printed[-_CONSOLE:].encode()[-_CONSOLE:].decode("utf-8", "ignore") or None

    def _find(self, runner_id: str) -> str | None:
        up = [
            (region, instance)
            for region, instance in self._instances(runner_id)
            if instance["State"]["Name"] in ("pending", "running")
        ]
        return f"{up[0][0]}/{up[0][1]['InstanceId']}" if up else None

    def _instances(self, ref: str) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """The instance of a reference, or all of a runner that EC2 still knows: those that are up first."""
        if "/" in ref:
            region, instance_id = _parts(ref)
            try:
                return [(region, each) for each in self._described(region, {"instance-id": [instance_id]})]
            except NotFound:
                return []
        wanted = {"tag:cadence-owner": [self._owner.key], "tag:cadence-runner": [ref]}
        found = [(region, each) for region in self._regions for each in self._described(region, wanted)]
        return sorted(found, key=lambda each: each[1]["State"]["Name"] not in ("pending", "running"))

    def _described(self, region: str, filters: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, Any]]:
        wanted = [{"Name": name, "Values": list(values)} for name, values in filters.items()]
        with self._called(region):
            paginator = self._clients("ec2", region).get_paginator("describe_instances")
            for page in paginator.paginate(Filters=wanted, PaginationConfig={"PageSize": _PAGE}):
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]

    def _terminate(self, region: str, *ids: str) -> None:
        ec2 = self._clients("ec2", region)
        try:
            with self._called(region):
                ec2.terminate_instances(InstanceIds=list(ids))
        except NotFound as error:
            # EC2 forgets an instance an hour after its end, and then refuses the whole list, saying which.
            left = [each for each in ids if each not in error.message]
            if left and len(left) < len(ids):
                self._terminate(region, *left)
            elif len(ids) > 1:
                for each in ids:
                    self._terminate(region, each)

    @contextmanager
    def _called(self, region: str) -> Iterator[None]:
        """Refusals become errors; a throttle slows everybody down who starts something there."""
        try:
            with decided(self._hidden):
                yield
        except Transient as error:
            if error.details.get("reason") in THROTTLES:
                self._calls.refused(self._api(region), error.retry_after)
            raise

    def _api(self, region: str) -> LimitedApi:
        its = self._settings
        pace = RateLimit(its.pace.per_second * (1 - _SPARE), its.pace.burst)
        return LimitedApi(its.account or "own", region, "ec2:CreateFleet", pace)

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


def build(pool: Pool, credentials: Credentials, surroundings: ProviderContext) -> Ec2Provider:
    """`Build` of this provider."""
    return Ec2Provider(
        MachineOwner(surroundings.installation, pool.organization, pool.name),
        Ec2Settings.from_json(pool.settings),
        clients(credentials),
        Hidden(secrets_of(credentials)),
        surroundings.circuit(pool),
        BootOptions.from_json({"notices": "aws", **pool.settings.get("boot", {})}),
        surroundings.calls,
        WarmSupport(surroundings.claims, surroundings.clock, bool(pool.policy.warm)) if surroundings.claims else None,
    )


def _parts(ref: str) -> tuple[str, str]:
    region, _, instance_id = ref.partition("/")
    return region, instance_id
