"""Hosts that joined a pool: they ask for work, lose answers, and are switched off with all that runs on them."""

from datetime import timedelta
from typing import TYPE_CHECKING

from cadence.application.runners.lease_work import LeaseWork
from cadence.application.runners.runner_tokens import claim_token, token_hash
from cadence.application.runners.take_offer import TakeOffer
from cadence.application.shared.runner_ports import Host
from cadence.domain.shared.errors import CadenceError
from cadence.providers.contract import Machine, MachineCondition
from tests.unit.providers.storm.agents import AgentOnMachine
from tests.unit.providers.storm.cloud import Thing
from tests.unit.scheduling.simulation.stage import Actor, Crashed

if TYPE_CHECKING:
    from tests.unit.providers.storm.world import Storm
    from tests.unit.scheduling.simulation.world import Ports

OWN = "own"
_POLL = timedelta(seconds=10)


def _claim_key(host: Host) -> str:
    return f"key of {host.host_id}"


class RackHost:
    """One host with some slots."""

    def __init__(self, storm: "Storm", number: int, slots: int) -> None:
        self._storm, self._slots, self._id = storm, slots, f"host-{number}"
        self._token = f"acme.{OWN}.{self._id}"
        self._things: dict[str, Thing] = {}
        self._call = 0
        self._key: str | None = None
        now = storm.clock.now
        storm.hosts.put_host(
            Host(
                host_id=self._id,
                organization="acme",
                pool=OWN,
                name=self._id,
                slots=slots,
                token_hash=token_hash(self._token),
                joined_at=now,
                last_seen=now,
            )
        )

    def serve(self, actor: Actor) -> None:
        storm = self._storm
        while True:
            actor.pause(storm.clock.now + _POLL)
            if storm.random.random() < 0.01 or storm.clock.now < storm.dark_until:
                storm.told["host switched off"] += 1
                self._switch_off()
                back = storm.clock.now + timedelta(seconds=storm.random.choice((30, 90)))
                actor.pause(max(back, storm.dark_until))
            self._start_named()
            running = {runner_id for runner_id, one in self._things.items() if one.ended_at is None}
            self._call += 1
            gateway = storm.ports(actor, f"lease {self._id} {storm.clock.now}")
            lease = LeaseWork(
                hosts=gateway.watched(storm.hosts),
                runners=gateway.runners,
                machines=gateway.machines,
                work_notification=storm.work_notification,
                claim_key=_claim_key,
                clock=storm.clock,
            )
            try:
                answer = lease.lease(self._id, f"Bearer {self._token}", self._call, self._slots - len(running), running)
            except (Crashed, CadenceError):
                continue  # it asks again at the next turn
            for runner_id in answer.stop:
                self._end(runner_id)
            if storm.random.random() < 0.05:
                storm.told["answer to a host lost"] += 1
                continue
            for handed in answer.assignments:
                self._begin(handed.runner_id, handed.token)
            self._key = answer.claim_key

    def _start_named(self) -> None:
        """Starts runners that it is notified of between its calls."""
        named = self._storm.work_notification.named
        while self._key and named and len(self.existing) < self._slots:
            runner_id = named.pop()
            if runner_id not in self._things:
                self._storm.told["runner started before it was leased"] += 1
                self._begin(runner_id, claim_token(self._key, runner_id), self._call)

    def _begin(self, runner_id: str, token: str, last_call: int | None = None) -> None:
        storm = self._storm
        number = len(self._things)
        machine = Machine(
            ref=f"{self._id}-{number}-{runner_id}",
            runner_id=runner_id,
            condition=MachineCondition.RUNNING,
            created_at=storm.clock.now,
        )
        self._things[runner_id] = thing = Thing(machine, token, number=number)
        known = storm.runners.runners[runner_id]
        script = storm.script(known.treatment, known.attempt)
        agent = AgentOnMachine(storm, thing, runner_id, script, power_off=True)
        if last_call is not None:
            agent.takes = lambda gateway: self._take(gateway, thing, runner_id, last_call)
        storm.stage.enter(f"agent {machine.ref}", agent.live)

    def _take(self, gateway: "Ports", thing: Thing, runner_id: str, last_call: int) -> None:
        hosts, clock = gateway.watched(self._storm.hosts), self._storm.clock
        offers = TakeOffer(runners=gateway.runners, hosts=hosts, claim_key=_claim_key, clock=clock)
        offers.take(runner_id, thing.token, self._id, last_call)

    def _end(self, runner_id: str) -> None:
        thing = self._things[runner_id]
        if thing.ended_at is None:
            self._storm.ended_by_control_plane(thing, OWN)
            thing.ended_at = self._storm.clock.now

    def _switch_off(self) -> None:
        for thing in self._things.values():
            thing.ended_at = thing.ended_at or self._storm.clock.now
            thing.works = False

    @property
    def existing(self) -> list[str]:
        return [one.machine.ref for one in self._things.values() if one.ended_at is None]
