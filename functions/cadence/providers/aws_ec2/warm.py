"""Instances that were made in advance, have booted once and are stopped: they start faster, and cost their disks only.

Whose a stopped instance is, is decided in the table by one conditional write. Tags cannot decide it: EC2 writes them
whatever they were, so two starts that tag one instance both succeed, and neither can tell who was last.
"""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cadence.application.placement.ports import Claims
from cadence.application.shared.ports import Clock
from cadence.domain.shared.errors import CapacityExhausted, NotFound, ProviderRejected
from cadence.providers.aws import Clients, tag_list, tag_map
from cadence.providers.aws_ec2.fleets import FleetOffer, Fleets
from cadence.providers.aws_ec2.settings import Ec2Settings, LaunchRegion
from cadence.providers.bootstrap import BootOptions, warm_user_data
from cadence.providers.choices import Choice
from cadence.providers.contract import RunnerRequest
from cadence.providers.marks import MachineOwner, as_seconds, from_seconds, host_name

MARK = "cadence-warm"
# An instance that nobody needed for so long is made anew: its image may be old.
_KEPT = timedelta(days=7)
# A start that has claimed an instance has started it by then, or never will.
_CLAIM_TAKES = timedelta(minutes=10)
# For how long the same request is the same instances, however late the inventory shows them.
_SLOT = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Who claims what is to be ended.
_ENDED = "nobody"

Instance = Mapping[str, Any]

_log = logging.getLogger("cadence.warm")


@dataclass(frozen=True, kw_only=True)
class Warm:
    """All in the pool's first place, where nearly all starts go, and of its first type that is no spot one."""

    owner: MachineOwner
    settings: Ec2Settings
    clients: Clients
    fleets: Fleets
    boot: BootOptions
    claims: Claims
    clock: Clock
    called: Callable[[str], AbstractContextManager[None]]

    @property
    def place(self) -> LaunchRegion:
        return self.settings.places[0]

    @property
    def choice(self) -> Choice | None:
        return next((one for one in self.settings.types if not one.spot and one.arch in self.place.images), None)

    @property
    def mark(self) -> str:
        """Of instances that are as they would be made now."""
        whole = f"{self.settings!r}\n{warm_user_data(self.boot)}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def take(self, request: RunnerRequest, user_data: str) -> str | None:
        """The instance that is this runner's now, by this call or an earlier one. None if none waits."""
        choice = self.choice
        if choice is None or not choice.suffices(request.needs):
            return None
        claimed = self.claims.claimed(self.owner.organization, self.owner.pool)
        mine = [one for one in self._made() if _runner(one) in (None, request.runner_id)]
        for instance in sorted(mine, key=lambda one: (one["InstanceId"] not in claimed, one["InstanceId"])):
            name, by = instance["InstanceId"], claimed.get(instance["InstanceId"])
            usable = instance["State"]["Name"] == "stopped" and tag_map(instance["Tags"])[MARK] == self.mark
            if not usable or (by is not None and by.runner_id != request.runner_id):
                continue
            if not self.claims.claim(self.owner.organization, self.owner.pool, name, request.runner_id, self.clock()):
                continue  # another start was faster
            try:
                self._start(name, request, user_data)
            except (NotFound, CapacityExhausted, ProviderRejected) as error:
                if not self._has_begun(name, request.runner_id):
                    # It has gone, or its zone has no room to start it: the next one, or a new one.
                    _log.warning("waiting instance %s cannot be started: %s", name, error.message)
                    continue
            return f"{self.place.region}/{name}"
        return None

    def keep(self, wanted: int) -> None:
        """Makes and ends instances until so many wait. Safe to repeat: the same inventory asks for the same ones."""
        organization, pool = self.owner.organization, self.owner.pool
        claimed = self.claims.claimed(organization, pool)
        made = sorted(self._made(), key=lambda one: str(one["InstanceId"]))
        free = [one for one in made if _runner(one) is None and one["InstanceId"] not in claimed]
        current = [str(one["InstanceId"]) for one in free if not self._outdated(one)]
        here, surplus = current[:wanted], [one for one in free if one["InstanceId"] not in current[:wanted]]
        # To be ended is a claim as well: no start takes it from now on.
        ended = [
            one["InstanceId"]
            for one in surplus
            if self.claims.claim(organization, pool, one["InstanceId"], _ENDED, self.clock())
        ]
        late = {name for name, claim in claimed.items() if self.clock() >= claim.at + _CLAIM_TAKES}
        # Whoever was to start these never did.
        ended += [one["InstanceId"] for one in made if one["InstanceId"] in late and one["State"]["Name"] == "stopped"]
        if ended:
            with self.called(self.place.region):
                self._ec2.terminate_instances(InstanceIds=ended)
        for gone in late - {one["InstanceId"] for one in made}:
            self.claims.forget(organization, pool, gone)
        if len(here) < wanted and self.choice is not None:
            self._make(self.choice, wanted - len(here), here)

    def _outdated(self, instance: Instance) -> bool:
        tags = tag_map(instance["Tags"])
        expires = from_seconds(tags.get("cadence-expires"))
        return tags[MARK] != self.mark or (expires is not None and self.clock() >= expires)

    @property
    def _ec2(self) -> Any:
        return self.clients("ec2", self.place.region)

    def _made(self) -> Iterator[Instance]:
        """In advance, whoever has them by now."""
        wanted = {
            "tag:cadence-owner": [self.owner.key],
            "tag-key": [MARK],
            "instance-state-name": ["pending", "running", "stopping", "stopped"],
        }
        filters = [{"Name": name, "Values": values} for name, values in wanted.items()]
        with self.called(self.place.region):
            for page in self._ec2.get_paginator("describe_instances").paginate(Filters=filters):
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]

    def _has_begun(self, name: str, runner_id: str) -> bool:
        """Another call for the same runner was faster: EC2 changes nothing of an instance that runs."""
        up = ("pending", "running")
        return any(
            one["InstanceId"] == name and _runner(one) == runner_id and one["State"]["Name"] in up
            for one in self._made()
        )

    def _start(self, name: str, request: RunnerRequest, user_data: str) -> None:
        with self.called(self.place.region):
            encoded = base64.b64encode(user_data.encode()).decode()
            self._ec2.modify_instance_attribute(InstanceId=name, Attribute="userData", Value=encoded)
            # It was to stop after its first boot; now it is to go.
            self._ec2.modify_instance_attribute(
                InstanceId=name, Attribute="instanceInitiatedShutdownBehavior", Value="terminate"
            )
            # First: what runs is known to be this runner's.
            self._ec2.create_tags(
                Resources=[name], Tags=tag_list({"Name": host_name(request.runner_id), **self.owner.tags(request)})
            )
            self._ec2.start_instances(InstanceIds=[name])

    def _make(self, choice: Choice, number: int, here: Sequence[str]) -> None:
        now = self.clock()
        begun = now - (now - _EPOCH) % _SLOT
        tags = {
            "Name": MARK,
            "cadence-owner": self.owner.key,
            "cadence-installation": self.owner.installation,
            "cadence-organization": self.owner.organization,
            "cadence-pool": self.owner.pool,
            MARK: self.mark,
            "cadence-expires": as_seconds(begun + _KEPT),
        }
        # An inventory that does not show yet what was made a moment ago asks for the same once more, and gets the same.
        token = hashlib.sha256(
            "\n".join([self.owner.key, self.mark, as_seconds(begun), str(number), *here]).encode()
        ).hexdigest()
        with self.called(self.place.region):
            self.fleets.launch_waiting(
                self._ec2, FleetOffer(self.place, (choice,)), number, token, tags, warm_user_data(self.boot)
            )


def _runner(instance: Instance) -> str | None:
    return tag_map(instance["Tags"]).get("cadence-runner")
