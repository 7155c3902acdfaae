"""The Lambda of a provider whose machines call home, as it is wired, with an infrastructure in memory."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.placement.back_offs import REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.placement.pool_credentials import DynamoPoolCredentials
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.lambda_runtime import agent_file
from cadence.application.placement.ports import SweepResult
from cadence.application.runners.runner_tokens import matches
from cadence.composition.providers import provider_handler
from cadence.composition.shared.settings import ProviderSettings
from cadence.domain.placement.back_off import BackOff
from cadence.domain.placement.pool import Pool, Price
from cadence.domain.placement.pool_policy import Budget, InstanceOffer, Policy, WarmWindow
from cadence.domain.runners.runner import RunnerState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import CapacityExhausted, NotFound
from cadence.providers.contract import Check, Credentials, ProviderContext
from runner_gateway import routes
from tests.fakes.cloud import MemoryCloud
from tests.integration.runners.conftest import RUN_ID, World

RUNNER_ID = ids.runner_id(RUN_ID, "make", 1)
ABOUT = {"organization": "default", "pool": "par"}
POLICY = Policy(
    region="fr-par",
    offers=(InstanceOffer(name="DEV1-S", cpu=2000, memory=2048, per_hour=0.01, spot=True),),
    warm=(WarmWindow(days=("mon",), start="08:00", end="18:00", timezone="Europe/Paris", stopped=2),),
    budget=Budget(100.0),
)
POOL = Pool(organization="default", name="par", provider="fake", price=Price(1.0, "EUR"), policy=POLICY)


class Its:
    """The Lambda, what it built, and the stores behind it."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:none"
        key = client("kms").create_key()["KeyMetadata"]["KeyId"]
        values = {
            "access_table": "access",
            "runs_table": "runs",
            "runners_table": "runners",
            "run_machine_arn": machine,
            "treatment_machine_arn": machine,
            "deadlines_queue_url": client("sqs").create_queue(QueueName="deadlines")["QueueUrl"],
            "secrets_key": key,
            "installation": "cadence-test",
            "gateway_url": "https://cadence.example",
            "agent_sha256": "ab" * 32,
            "git_hosts": "",
        }
        others = {field.name: "none" for field in dataclasses.fields(ProviderSettings)}
        for name, value in {**others, **values}.items():
            monkeypatch.setenv(f"CADENCE_{name.upper()}", value)
        monkeypatch.setattr("cadence.composition.providers.state_machines", lambda *_: world.machines)
        self.world = world
        self.cloud = MemoryCloud(world.clock)
        self.records = DynamoPoolRecords("runners")
        self.built: list[tuple[Pool, Credentials, str]] = []
        DynamoAccessStore("access").put_pool(POOL)
        DynamoPoolCredentials("access", KmsCipher(key)).put(POOL, {"token": "hunter2" * 1000}, world.clock())
        self.handler = provider_handler("fake", self._build)

    def _build(self, pool: Pool, credentials: Credentials, its: ProviderContext) -> MemoryCloud:
        self.built.append((pool, credentials, its.installation))
        return self.cloud

    def start(self, **more: Any) -> None:
        placement = {
            "pool": "par",
            "provider": "fake",
            "function": "provider-fake",
            "runner_id": RUNNER_ID,
            "attempt": 1,
            "boot_deadline": 120,
            "decided_at": "2026-01-02T03:04:05+00:00",
            **more,
        }
        event = {"operation": "start", "run_id": RUN_ID, "treatment": "make", "placement": placement}
        self.handler({**event, "task_token": "launch-token"}, None)


@pytest.fixture
def its(world: World, monkeypatch: pytest.MonkeyPatch) -> Its:
    return Its(world, monkeypatch)


def test_a_machine_is_started_and_ended_with_what_was_kept_for_it(its: Its) -> None:
    its.start()
    its.start()
    first, second = its.cloud.requests
    assert first == second and first.home is not None
    assert first.home.agent.url == f"https://cadence.example/runner/v1/agent/{'ab' * 32}"
    runner = its.world.runners.get_runner(RUNNER_ID)
    assert (runner.state, runner.ref) == (RunnerState.BOOTING, f"machine-of-{RUNNER_ID}")
    assert matches(runner.one_time_hash, first.home.one_time_token)
    for table in ("runners", "runs", "access"):
        assert first.home.one_time_token not in its.world.items(table)
        assert "hunter2" not in its.world.items(table)
    ((pool, credentials, installation),) = its.built
    assert (pool, installation) == (POOL, "cadence-test")
    assert credentials == {"token": "hunter2" * 1000}
    assert its.records.active("default", "par") == [RUNNER_ID]
    its.handler({"operation": "stop", "run_id": RUN_ID, "treatment": "make", "runner_id": RUNNER_ID}, None)
    assert (its.cloud.machines, its.records.active("default", "par")) == ({}, [])


def test_no_room_is_told_to_the_machine_in_the_infrastructure_s_words(its: Its) -> None:
    its.cloud.room = 0
    its.start()
    ((token, error),) = its.world.machines.failed
    assert (token, type(error)) == ("launch-token", CapacityExhausted)
    assert error.message == "InsufficientCapacity: there is no room"
    assert its.records.active("default", "par") == []


def test_a_start_that_comes_about_forgets_what_was_refused_before(its: Its) -> None:
    kept = DynamoBackOffs("runners", REFUSED)
    now = its.world.clock()
    for offer, at in (("any", datetime(2026, 1, 2, 3, 0, tzinfo=UTC)), ("since", now)):
        assert kept.replace("default", "par", None, BackOff(offer=offer, at=at, reason="no room", until=now))
    its.start(overcomes=["any", "since", "other"])
    assert [one.offer for one in kept.of_pool("default", "par")] == ["since"]


def test_a_probe_and_a_sweep_are_kept_with_the_pool(its: Its) -> None:
    its.cloud.checks = (Check("quota", "0 left", "ask"),)
    assert its.handler({"operation": "probe", **ABOUT}, None)["checks"][0]["missing"] == "0 left"
    probe = its.records.probe("default", "par")
    assert probe is not None and not probe.passed and probe.checks[0].hint == "ask"
    assert [check.what for check in probe.checks if "keeps no machines waiting" in (check.missing or "")] == [
        "warm capacity"
    ]
    its.start()
    swept = its.handler({"operation": "sweep", **ABOUT}, None)
    assert (swept["seen"], swept["marked"]) == ((f"machine-of-{RUNNER_ID}",), ())
    found = its.records.sweep("default", "par")
    assert found is not None and (found.seen, found.ended) == (1, 0)
    its.records.note_sweep("default", "par", SweepResult(its.world.clock(), 0, 0))


def test_marks_are_kept_and_taken_back(its: Its) -> None:
    its.records.mark("default", "par", "i-1", its.world.clock())
    assert its.records.marks("default", "par") == {"i-1": its.world.clock()}
    for _ in range(2):
        its.records.unmark("default", "par", "i-1")
    assert its.records.marks("default", "par") == {}


def test_a_pool_that_cannot_be_built_says_why_in_its_probe(its: Its, monkeypatch: pytest.MonkeyPatch) -> None:
    DynamoAccessStore("access").put_pool(Pool(organization="default", name="par", provider="other"))
    assert its.handler({"operation": "probe", **ABOUT}, None) == {"checks": []}
    probe = its.records.probe("default", "par")
    assert probe is not None and "gets its runners from other by now" in str(probe.error)


def test_the_agent_is_downloaded_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_file, "_read", lambda: (b"#!/usr/bin/env python3", "ab" * 32))
    assert routes.file(f"agent/{'ab' * 32}") == b"#!/usr/bin/env python3"
    for path in (f"agent/{'cd' * 32}", "agent/", "agent/../claim", "claim"):
        with pytest.raises(NotFound):
            routes.file(path)
