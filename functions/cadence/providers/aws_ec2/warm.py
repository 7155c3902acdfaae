"""Instances that were made in advance, have booted once and are stopped: they start faster, and cost their disks only.

A conditional write in the table decides which runner gets a stopped instance. Tags cannot decide it: EC2 overwrites
them unconditionally, so two starts that tag one instance both succeed, and neither knows which was last.
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
# An instance that was not needed for this long is made anew: its image may be old.
_KEPT = timedelta(days=7)
# A start that has claimed an instance has started it by then, or never will.
_CLAIM_TAKES = timedelta(minutes=10)
# The time in which the same request means the same instances, however late the inventory shows them.
_SLOT = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The claimant of instances that are to be ended.
_ENDED = "nobody"

Instance = Mapping[str, Any]

_log = logging.getLogger("cadence.warm")
_BEGUN = ("pending", "running")


@dataclass(frozen=True, kw_only=True)
class Warm:
    """Keeps instances in the pool's first place, where nearly all starts go, of its first type that is no spot one."""

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
        """The place of all instances made in advance."""
        return self.settings.places[0]

    @property
    def choice(self) -> Choice | None:
        """The type of all instances made in advance; None if there is none."""
        return next(
            (choice for choice in self.settings.types if not choice.spot and choice.arch in self.place.images), None
        )

    @property
    def mark(self) -> str:
        """The mark of instances that are as they would be made now."""
        whole = f"{self.settings!r}\n{warm_user_data(self.boot)}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def take(self, request: RunnerRequest, user_data: str) -> str | None:
        """Returns the reference of the instance that this or an earlier call has given to the runner.

        Returns None if no instance waits.
        """
        choice = self.choice
        if choice is None or not choice.suffices(request.needs):
            return None
        # The inventory before the claims: whatever runs in it was claimed before it started, so its claim is seen.
        mine = [entry for entry in self._prepared() if _runner(entry) in (None, request.runner_id)]
        claimed = self.claims.claimed(self.owner.organization, self.owner.pool)
        for instance in sorted(mine, key=lambda entry: (entry["InstanceId"] not in claimed, entry["InstanceId"])):
            name, claim = instance["InstanceId"], claimed.get(instance["InstanceId"])
            state, own = instance["State"]["Name"], claim is not None and claim.runner_id == request.runner_id
            if own and state in _BEGUN:
                return f"{self.place.region}/{name}"  # another start of this runner was faster
            usable = state == "stopped" and tag_map(instance["Tags"])[MARK] == self.mark
            if not usable or (claim is not None and claim.runner_id != request.runner_id):
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

    def keep(self, count: int) -> None:
        """Makes and ends instances until `count` wait.

        Safe to repeat: the same inventory leads to the same requests.
        """
        organization, pool = self.owner.organization, self.owner.pool
        claimed = self.claims.claimed(organization, pool)
        instances = sorted(self._prepared(), key=lambda entry: str(entry["InstanceId"]))
        free = [entry for entry in instances if _runner(entry) is None and entry["InstanceId"] not in claimed]
        current = [str(entry["InstanceId"]) for entry in free if not self._outdated(entry)]
        waiting, surplus = current[:count], [entry for entry in free if entry["InstanceId"] not in current[:count]]
        # Their end is a claim as well: no start takes them from now on.
        ended = [
            entry["InstanceId"]
            for entry in surplus
            if self.claims.claim(organization, pool, entry["InstanceId"], _ENDED, self.clock())
        ]
        late = {name for name, claim in claimed.items() if self.clock() >= claim.at + _CLAIM_TAKES}
        # The calls that were to start these never did.
        ended += [
            entry["InstanceId"]
            for entry in instances
            if entry["InstanceId"] in late and entry["State"]["Name"] == "stopped"
        ]
        if ended:
            with self.called(self.place.region):
                self._ec2.terminate_instances(InstanceIds=ended)
        for gone in late - {entry["InstanceId"] for entry in instances}:
            self.claims.forget(organization, pool, gone)
        if len(waiting) < count and self.choice is not None:
            self._make(self.choice, count - len(waiting), waiting)

    def _outdated(self, instance: Instance) -> bool:
        tags = tag_map(instance["Tags"])
        expires = from_seconds(tags.get("cadence-expires"))
        return tags[MARK] != self.mark or (expires is not None and self.clock() >= expires)

    @property
    def _ec2(self) -> Any:
        return self.clients("ec2", self.place.region)

    def _prepared(self) -> Iterator[Instance]:
        """Returns all instances made in advance, also those that a runner has by now."""
        conditions = {
            "tag:cadence-owner": [self.owner.key],
            "tag-key": [MARK],
            "instance-state-name": ["pending", "running", "stopping", "stopped"],
        }
        filters = [{"Name": name, "Values": values} for name, values in conditions.items()]
        with self.called(self.place.region):
            for page in self._ec2.get_paginator("describe_instances").paginate(Filters=filters):
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]

    def _has_begun(self, name: str, runner_id: str) -> bool:
        """Returns whether another call for the same runner was faster: EC2 changes no running instance."""
        return any(
            entry["InstanceId"] == name and _runner(entry) == runner_id and entry["State"]["Name"] in _BEGUN
            for entry in self._prepared()
        )

    def _start(self, name: str, request: RunnerRequest, user_data: str) -> None:
        with self.called(self.place.region):
            encoded = base64.b64encode(user_data.encode()).decode()
            self._ec2.modify_instance_attribute(InstanceId=name, Attribute="userData", Value=encoded)
            # It had to stop after its first boot; now it has to terminate.
            self._ec2.modify_instance_attribute(
                InstanceId=name, Attribute="instanceInitiatedShutdownBehavior", Value="terminate"
            )
            # Before the start, so that a running instance is known to be this runner's.
            self._ec2.create_tags(
                Resources=[name], Tags=tag_list({"Name": host_name(request.runner_id), **self.owner.tags(request)})
            )
            self._ec2.start_instances(InstanceIds=[name])

    def _make(self, choice: Choice, number: int, waiting: Sequence[str]) -> None:
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
        # If the inventory does not show new instances yet, the same request is repeated, with the same result.
        token = hashlib.sha256(
            "\n".join([self.owner.key, self.mark, as_seconds(begun), str(number), *waiting]).encode()
        ).hexdigest()
        with self.called(self.place.region):
            self.fleets.launch_waiting(
                self._ec2, FleetOffer(self.place, (choice,)), number, token, tags, warm_user_data(self.boot)
            )


def _runner(instance: Instance) -> str | None:
    return tag_map(instance["Tags"]).get("cadence-runner")
