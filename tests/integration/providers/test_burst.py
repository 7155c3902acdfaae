"""A thousand treatments at once through an EC2 that bears two starts a second: in a time of its own, so it takes
seconds.
"""

import heapq
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from cadence.application.placement.pacing import RateLimiter
from cadence.domain.placement.pool import Pool
from cadence.domain.runners.runner import RunnerOutcome, RunnerResult, RunnerState
from cadence.domain.shared.errors import Transient
from cadence.providers.aws_ec2.provider import Ec2Provider
from cadence.providers.aws_ec2.settings import Ec2Settings
from cadence.providers.bootstrap import FOLDER
from cadence.providers.circuit import SharedCircuit
from cadence.providers.contract import AgentFile, MachineCondition
from cadence.providers.hidden import Hidden
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import Launch, ReleaseRunner, StartRunner
from cadence.providers.marks import MachineOwner
from tests.doubles.ec2_paced import PacedEc2
from tests.fakes.back_offs import MemoryBackOffs
from tests.fakes.cloud import PlainCipher
from tests.fakes.rate_limits import MemoryRateLimits
from tests.unit.scheduling.setting import RUN, Setting, spec

AGENT = AgentFile("https://cadence.example/runner/v1/agent/abc", "ab" * 32)
SETTINGS = Ec2Settings.from_json(
    {
        "places": [
            {"region": "eu-west-3", "subnets": ["subnet-00000001"], "images": {"amd64": "ami-00000001"}},
        ],
        "types": [{"type": "m7i.large", "cpu": 2000, "memory": 8192, "spot": True}],
    }
)
SWEEP = timedelta(minutes=5)


@dataclass
class Burst:
    """`events` happen in the order of their times; `late` is what Lambdas and their machine take on top of what they
    should.
    """

    seed: int
    lost_share: float = 0.0
    setting: Setting = field(default_factory=Setting)
    events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    launches: Counter[str] = field(default_factory=Counter)
    started_at: dict[str, datetime] = field(default_factory=dict)
    retries: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.order = count()
        its = self.setting
        its.pools.pools = (Pool(organization="acme", name="near", provider="aws_ec2"),)
        lost = random.Random(self.seed)
        self.ec2 = PacedEc2(its.clock, lost=lambda _: lost.random() < self.lost_share)
        rate_limiter = RateLimiter(MemoryRateLimits(), its.clock, lambda _: None, self.random.random)
        self.provider = Ec2Provider(
            MachineOwner("test", "acme", "near"),
            SETTINGS,
            self.ec2,
            Hidden(),
            SharedCircuit(kept=MemoryBackOffs(), organization="acme", pool="pool", clock=its.clock),
            calls=rate_limiter,
        )
        homes = Homes("aws_ec2", "https://cadence.example", AGENT, PlainCipher())
        self.start = StartRunner(
            runs=its.runs,
            treatments=its.runs,
            runners=its.runners,
            machines=its.machines,
            deadlines=its.deadlines,
            providers=lambda *_: self.provider,
            clock=its.clock,
            homes=homes,
            rate_limiter=rate_limiter,
        )
        self.release = ReleaseRunner(runners=its.runners, providers=lambda *_: self.provider)

    def run(self, treatments: int) -> None:
        names = [f"t{number}" for number in range(treatments)]
        self.setting.admitted(*(spec(name) for name in names))
        self.begun = self.setting.clock()
        for name in names:
            self.launch(name, self.setting.place(name).runner_id)
        self.after(SWEEP, self.sweep)
        while self.events:
            at, _, event = heapq.heappop(self.events)
            self.setting.clock.advance(at - self.setting.clock())
            event()

    def after(self, pause: timedelta, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.setting.clock() + pause, next(self.order), event))

    def launch(self, name: str, runner_id: str) -> None:
        """As the treatment's machine does: again when it is told to come later, again after what may pass."""

        def now() -> None:
            self.launches[name] += 1
            token = f"{name} {self.launches[name]}"
            placement: dict[str, Any] = {"pool": "near"}
            try:
                self.start.start(
                    Launch(
                        run_id=RUN,
                        treatment=name,
                        runner_id=runner_id,
                        attempt=1,
                        pool="near",
                        provider="aws_ec2",
                        function="provider-aws-ec2",
                        boot_deadline=120,
                        task_token=token,
                        priority=0,
                        placement=placement,
                    )
                )
            except Transient as error:
                self.retries += 1
                self.after(timedelta(seconds=self.random.uniform(0, 2) * error.retry_after), now)
                return
            told = self.setting.machines.answers.get(token)
            if told is not None:
                assert isinstance(told, dict) and told["next"] == "later"
                self.after(timedelta(seconds=told["wait_seconds"] + self.random.uniform(0, 0.3)), now)
                return
            self.started_at[name] = self.setting.clock()
            self.after(timedelta(seconds=self.random.uniform(15, 40)), lambda: self.work(name, runner_id))

        self.after(timedelta(seconds=self.random.uniform(0, 0.5)), now)

    def work(self, name: str, runner_id: str) -> None:
        """The machine claims, works for a while, and switches itself off."""
        runners = self.setting.runners
        runners.change_runner(runner_id, {RunnerState.BOOTING}, state=RunnerState.CLAIMED)

        def done() -> None:
            runners.complete(runner_id, RunnerResult(outcome=RunnerOutcome.SUCCEEDED, exit_code=0))
            self.release.release(runner_id)
            ref = runners.get_runner(runner_id).ref or ""
            self.after(timedelta(seconds=5), lambda: self.ec2.end(ref.partition("/")[2]))

        self.after(timedelta(seconds=self.random.uniform(10, 120)), done)

    def sweep(self) -> None:
        up = [each for each in self.provider.list_owned() if each.condition is not MachineCondition.GONE]
        if up or self.events:
            self.after(SWEEP, self.sweep)


@pytest.mark.parametrize(("seed", "lost_share"), [(1, 0.0), (2, 0.02)])
def test_a_thousand_start_at_the_pace_that_the_api_bears(seed: int, lost_share: float) -> None:
    burst = Burst(seed, lost_share)

    burst.run(1_000)

    its = burst.ec2
    told = [json.loads(each["UserData"].removeprefix("#cloud-config\n")) for each in its.instances.values()]
    tokens = {
        next(file["content"] for file in each["write_files"] if file["path"] == f"{FOLDER}/token") for each in told
    }
    took = (max(burst.started_at.values()) - burst.begun).total_seconds()
    ideal = (1_000 - its.burst) / its.per_second
    calls = sum(its.calls.values()) / 1_000
    print(
        f"seed {seed}: {took:.0f} s (the bucket's limit is {ideal:.0f} s), {calls:.3f} calls per instance: {dict(its.calls)}; {its.refused} refused, {burst.retries} repeated"
    )
    assert len(burst.started_at) == len(its.instances) == len(tokens) == 1_000
    assert calls <= 1.2
    assert took <= 1.1 * ideal
    assert its.refused <= 10
    assert all(each["State"]["Name"] == "terminated" for each in its.instances.values())
    # Asked, told to come later, come again: no more.
    assert sum(burst.launches.values()) <= 2 * 1_000 + burst.retries
