"""EC2 as moto has it, behind real HTTP. What moto lacks is in `tests/doubles/ec2.py`."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config

from cadence.application.shared.ports import Clock
from cadence.providers.aws import CONFIG, Clients, clients
from cadence.providers.aws_ec2.provider import Ec2Provider, WarmSupport
from cadence.providers.aws_ec2.settings import Ec2Settings
from cadence.providers.circuit import SharedCircuit
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from tests.contract.providers.peer import Trouble
from tests.doubles.aws import GOOD_KEY, Aws, Call, aws, error
from tests.doubles.ec2 import ELSEWHERE, REGION, Ec2, backend
from tests.fakes.answering import Reply
from tests.fakes.back_offs import MemoryBackOffs
from tests.fakes.claims import MemoryClaims

OWNER = MachineOwner("installation", "default", "aws")
SECRET = "wJalrXUtnFEMIexampleSecretKey0123456789"
_REFUSALS = {
    Trouble.FULL: ("InsufficientInstanceCapacity", "We currently do not have sufficient capacity in the zone."),
    Trouble.QUOTA: ("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 32"),
}


class Ec2Peer:
    what = "moto 5, an emulation of EC2, with CreateFleet's idempotency and refusals added"
    words: Mapping[Trouble, str] = {
        **{trouble: message for trouble, (_, message) in _REFUSALS.items()},
        Trouble.CREDENTIALS: "was not able to validate the provided access credentials",
        Trouble.IMAGE: "does not exist",
        Trouble.THROTTLED: "Request limit exceeded",
        Trouble.BROKEN: "An internal error has occurred",
    }
    cannot: Mapping[str, str] = {}
    secret = SECRET
    wait_told = None
    page = 7

    def __init__(self, double: Aws) -> None:
        self.double, self.ec2 = double, Ec2(double)
        self.kept: dict[tuple[str, float], Clients] = {}
        self.trouble: Trouble | None = None
        self.slow = threading.Event()
        self.settings = a_pool()
        self.back_offs, self.claims = MemoryBackOffs(), MemoryClaims()

    def provider(self) -> Ec2Provider:
        key = "AKIAOFSOMEBODYELSE00" if self.trouble is Trouble.CREDENTIALS else GOOD_KEY
        return self.made(Ec2Settings.from_json(self.settings), key)

    def made(self, settings: Ec2Settings, key: str = GOOD_KEY) -> Ec2Provider:
        made = self._clients(key, 0.3 if self.trouble is Trouble.SLOW else 20)
        return Ec2Provider(
            OWNER,
            settings,
            made,
            Hidden([SECRET]),
            SharedCircuit(kept=self.back_offs, organization="acme", pool="pool", clock=lambda: datetime.now(UTC)),
        )

    def waiting(self, clock: Clock) -> Ec2Provider:
        """Of a pool that keeps machines waiting, as another process has it."""
        settings = Ec2Settings.from_json(self.settings)
        circuit = SharedCircuit(kept=self.back_offs, organization="acme", pool="pool", clock=clock)
        return Ec2Provider(
            OWNER, settings, self._clients(GOOD_KEY, 20), Hidden([SECRET]), circuit,
            waiting=WarmSupport(self.claims, clock),
        )  # fmt: skip

    def _clients(self, key: str, seconds: float) -> Clients:
        """Kept, since botocore takes half a second to read what EC2 is."""
        if (key, seconds) not in self.kept:
            credentials = {"access_key_id": key, "secret_access_key": SECRET}
            config = CONFIG.merge(Config(read_timeout=seconds))
            self.kept[key, seconds] = clients(credentials, self.double.url, config)
        return self.kept[key, seconds]

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        match trouble:
            case Trouble.FULL | Trouble.QUOTA:
                self.ec2.refuses = lambda *_: _REFUSALS[trouble]
            case Trouble.IMAGE:
                self.settings["places"][0]["images"] = {"amd64": "ami-00000000000000bad"}
            case Trouble.THROTTLED | Trouble.BROKEN | Trouble.SLOW:
                self.double.trouble = self._meet

    def _meet(self, call: Call) -> Reply | None:
        match self.trouble:
            case Trouble.THROTTLED:
                return error(call, 503, "RequestLimitExceeded", "Request limit exceeded.")
            case Trouble.BROKEN:
                return error(call, 500, "InternalError", "An internal error has occurred")
        self.slow.wait(5)
        return error(call, 503, "Unavailable", "Nobody waits for this any more.")

    def clear(self) -> None:
        self.back_offs.kept.clear()
        self.claims.kept.clear()
        self.trouble = None
        self.slow.set()
        self.slow = threading.Event()
        self.settings = a_pool()
        self.ec2.refuses = lambda *_: None
        self.double.trouble = self.double.loses = None

    def lose_answer(self) -> None:
        self.double.loses = lambda call: call.action == "CreateFleet"

    def boot(self, runner_id: str) -> None:
        """moto's instances run at once."""

    def end(self, runner_id: str) -> None:
        for region, instance in instances(runner_id):
            backend(region).terminate_instances([instance.id])

    def settle(self) -> None:
        """moto's instances are gone at once."""

    def machines(self, runner_id: str) -> int:
        return sum(1 for _, each in instances(runner_id) if each.state != "terminated")

    def add_foreign(self) -> None:
        other = {"ResourceType": "instance", "Tags": [{"Key": "cadence-owner", "Value": "another-installation"}]}
        self._clients(GOOD_KEY, 20)("ec2", REGION).run_instances(
            ImageId=an_image(REGION), MinCount=1, MaxCount=1, TagSpecifications=[other]
        )


def a_pool() -> dict[str, Any]:
    """Settings as a user writes them; spot first, then on demand, in one region."""
    return {
        "places": [a_place(REGION)],
        "types": [
            {"type": "m7i.large", "cpu": 2000, "memory": 8192, "spot": True, "price_per_hour": 0.045},
            {"type": "m7i.large", "cpu": 2000, "memory": 8192, "price_per_hour": 0.12},
        ],
        "disk": {"gigabytes": 30, "root_device": "/dev/sda1"},
    }


def a_place(region: str) -> dict[str, Any]:
    ec2 = backend(region)
    subnets = sorted(subnet.id for subnet in ec2.describe_subnets())
    groups = [group.id for group in ec2.describe_security_groups()]
    return {
        "region": region,
        "subnets": subnets[:2],
        "images": {"amd64": an_image(region)},
        "security_groups": groups[:1],
    }


def an_image(region: str) -> str:
    wanted = ("/dev/sda1", "x86_64")
    images = backend(region).amis.values()
    return min(str(each.id) for each in images if (each.root_device_name, each.architecture) == wanted)


def instances(runner_id: str) -> list[tuple[str, Any]]:
    """With their regions, as moto keeps them."""
    return [
        (region, instance)
        for region in (REGION, ELSEWHERE)
        for reservation in backend(region).reservations.values()
        for instance in reservation.instances
        if any((tag["key"], tag["value"]) == ("cadence-runner", runner_id) for tag in instance.get_tags())
    ]


@contextmanager
def peer() -> Iterator[Ec2Peer]:
    with aws() as double:
        peer = Ec2Peer(double)
        peer.clear()
        yield peer
