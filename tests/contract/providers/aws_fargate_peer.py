"""Fargate as moto has it, behind real HTTP. What moto lacks is in `tests/doubles/ecs.py`."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from moto.moto_api import state_manager

from cadence.providers.aws import CONFIG, Clients, clients
from cadence.providers.aws_fargate.provider import FargateProvider
from cadence.providers.aws_fargate.settings import FargateSettings
from cadence.providers.circuit import SharedCircuit
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from tests.contract.providers.peer import Trouble
from tests.doubles.aws import GOOD_KEY, Aws, Call, aws, error
from tests.doubles.ec2 import backend as ec2_backend
from tests.doubles.ecs import REGION, Ecs, backend
from tests.fakes.answering import Reply
from tests.fakes.back_offs import MemoryBackOffs

CLUSTER = "runners"
OWNER = MachineOwner("installation", "default", "fargate")
SECRET = "wJalrXUtnFEMIexampleSecretKey0123456789"
_NOT_BEFORE = "ECS pulls the image after it has accepted the task: the reason is in what `describe` says then"
_REFUSALS: Mapping[Trouble, str | tuple[str, str]] = {
    Trouble.FULL: "Capacity is unavailable at this time. Please try again later",
    Trouble.QUOTA: ("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently"),
}


class FargatePeer:
    what = "moto 5, an emulation of ECS, with RunTask's idempotency and refusals added"
    words: Mapping[Trouble, str] = {
        Trouble.FULL: "Capacity is unavailable at this time",
        Trouble.QUOTA: "reached the limit on the number of vCPUs",
        Trouble.CREDENTIALS: "was not able to validate the provided access credentials",
        Trouble.THROTTLED: "Rate exceeded",
        Trouble.BROKEN: "Service Unavailable",
    }
    cannot: Mapping[str, str] = {
        "a_missing_image_is_refused_for_good": _NOT_BEFORE,
    }
    secret = SECRET
    wait_told = None
    page = 3

    def __init__(self, double: Aws) -> None:
        self.double, self.ecs = double, Ecs(double)
        self.kept: dict[tuple[str, float], Clients] = {}
        self.trouble: Trouble | None = None
        self.slow = threading.Event()
        made = self.clients(GOOD_KEY, 20)("ecs", REGION)
        made.create_cluster(clusterName=CLUSTER, capacityProviders=["FARGATE", "FARGATE_SPOT"])
        self.settings = self.a_pool()

    def provider(self) -> FargateProvider:
        key = "AKIAOFSOMEBODYELSE00" if self.trouble is Trouble.CREDENTIALS else GOOD_KEY
        return self.made(FargateSettings.from_json(self.settings), key)

    def made(self, settings: FargateSettings, key: str = GOOD_KEY) -> FargateProvider:
        made = self.clients(key, 0.3 if self.trouble is Trouble.SLOW else 20)
        return FargateProvider(
            OWNER,
            settings,
            made,
            Hidden([SECRET]),
            SharedCircuit(kept=MemoryBackOffs(), organization="acme", pool="pool", clock=lambda: datetime.now(UTC)),
        )

    def clients(self, key: str, seconds: float) -> Clients:
        if (key, seconds) not in self.kept:
            credentials = {"access_key_id": key, "secret_access_key": SECRET}
            self.kept[key, seconds] = clients(credentials, self.double.url, CONFIG.merge(Config(read_timeout=seconds)))
        return self.kept[key, seconds]

    def make(self, trouble: Trouble) -> None:
        self.trouble = trouble
        match trouble:
            case Trouble.FULL | Trouble.QUOTA:
                self.ecs.refuses = lambda _: _REFUSALS[trouble]
            case Trouble.IMAGE:
                self.settings["image"] = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/not-there:1"
            case Trouble.THROTTLED | Trouble.BROKEN | Trouble.SLOW:
                self.double.trouble = self._meet

    def _meet(self, call: Call) -> Reply | None:
        match self.trouble:
            case Trouble.THROTTLED:
                return error(call, 400, "ThrottlingException", "Rate exceeded")
            case Trouble.BROKEN:
                return error(call, 503, "ServerException", "Service Unavailable. Please try again later.")
        self.slow.wait(5)
        return error(call, 503, "ServerException", "Nobody waits for this any more.")

    def clear(self) -> None:
        self.trouble = None
        self.slow.set()
        self.slow = threading.Event()
        self.settings = self.a_pool()
        self.ecs.refuses = lambda _: None
        self.double.trouble = self.double.loses = None

    def lose_answer(self) -> None:
        self.double.loses = lambda call: call.action == "RunTask"

    def boot(self, runner_id: str) -> None:
        for task in running(runner_id):
            task.status = "RUNNING"

    def end(self, runner_id: str) -> None:
        for task in running(runner_id):
            backend().stop_task(CLUSTER, task.task_arn, "Essential container in task exited")

    def settle(self) -> None:
        """moto's tasks are gone at once."""

    def machines(self, runner_id: str) -> int:
        return len(running(runner_id))

    def add_foreign(self) -> None:
        ecs = self.clients(GOOD_KEY, 20)("ecs", REGION)
        ecs.register_task_definition(
            family="of-somebody-else", containerDefinitions=[{"name": "x", "image": "x", "memory": 512}]
        )
        ecs.run_task(cluster=CLUSTER, taskDefinition="of-somebody-else", clientToken="x", **_PLACE)

    @staticmethod
    def a_pool() -> dict[str, Any]:
        """Settings as a user writes them."""
        subnets = sorted(subnet.id for subnet in ec2_backend(REGION).describe_subnets())
        return {
            "region": REGION,
            "cluster": CLUSTER,
            "image": "registry.example/cadence-runner:1",
            "subnets": subnets[:2],
            "sizes": [
                {"cpu": 1000, "memory": 2048, "spot": True, "price_per_hour": 0.015},
                {"cpu": 1000, "memory": 2048, "price_per_hour": 0.049},
            ],
        }


_PLACE: Mapping[str, Any] = {
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-00000001"]}},
}


def running(runner_id: str) -> list[Any]:
    """As moto keeps them."""
    return [
        task
        for task in backend().tasks.get(CLUSTER, {}).values()
        if task.started_by == runner_id and task.last_status != "STOPPED"
    ]


@contextmanager
def peer() -> Iterator[FargatePeer]:
    with aws() as double:
        # Otherwise moto's tasks end as soon as they are looked at.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1_000_000})
        peer = FargatePeer(double)
        peer.clear()
        yield peer
        state_manager.unset_transition("ecs::task")
