"""Runs and treatments beyond what may run at a time wait for their turn, and all get it."""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from cadence.domain.limits.concurrency_limit import running_runs
from tests.e2e.account import Account
from tests.e2e.api import Api
from tests.e2e.conftest import Stack

pytestmark = pytest.mark.slow

RUNS = int(os.environ.get("CADENCE_E2E_RUNS", "40"))
QUOTA = RUNS // 10
ONE = {"cadence": 1, "name": "one", "treatments": {"t": {"run": "true"}}}
HOLDING = {"cadence": 1, "name": "holding", "treatments": {"t": {"run": "sleep 600"}}}
MANY = {
    "cadence": 1,
    "name": "many",
    "treatments": {f"t{number}": {"run": "sleep 0.2"} for number in range(6)},
}


@pytest.fixture
def quota(api: Api) -> Iterator[None]:
    assert api.call("PUT", "/v1/organizations/quotas", json={"max_running_runs": QUOTA}).ok
    yield
    assert api.call("PUT", "/v1/organizations/quotas", json={}).ok


@pytest.fixture
def small_pool(api: Api) -> Iterator[None]:
    (pool,) = (one for one in api.get("/v1/pools")["items"] if one["name"] == "local")
    address = f"/v1/pools/{pool.pop('name')}"
    assert api.call("PUT", address, json={**pool, "limits": {"runners": 1}}).ok
    time.sleep(SECONDS + 0.5)  # processes that place treatments may still know the pool as it was
    yield
    assert api.call("PUT", address, json=pool).ok


@dataclass
class Turns:
    """The runs that stand at the quota, as the table has them at one moment after another: ids by ticket."""

    inside: dict[int, str] = field(default_factory=dict)  # also those that have left
    waiting: dict[int, str] = field(default_factory=dict)  # at the last look

    def look(self, tables: Any) -> None:
        """Asserts that nobody is inside who came after one that still waits."""
        values = {":scope": {"S": f"LIMIT#{running_runs('default')}"}}
        found = tables.query(
            TableName="cadence-main-runs",
            KeyConditionExpression="pk = :scope",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        places = [item for item in found["Items"] if "ticket" in item]
        self.waiting = {_ticket(item): item["run_id"]["S"] for item in places if item["sk"]["S"].startswith("WAITING#")}
        self.inside |= {_ticket(item): item["run_id"]["S"] for item in places if item["sk"]["S"].startswith("INSIDE#")}
        assert max(self.inside, default=0) < min(self.waiting, default=sys.maxsize), (self.inside, self.waiting)


def _ticket(item: dict[str, Any]) -> int:
    return int(item["ticket"]["N"])


def test_many_runs_at_once_all_run_and_no_more_at_a_time_than_may(api: Api, quota: None) -> None:
    with ThreadPoolExecutor(16) as threads:
        started = list(threads.map(lambda _: api.start(ONE), range(RUNS)))
        ended = list(threads.map(lambda run_id: api.finished(run_id, within=500), started))
    assert {run["state"] for run in ended} == {"succeeded"}
    spans = [(run["started_at"], 1) for run in ended] + [(run["finished_at"], -1) for run in ended]
    at_work = most = 0
    for _, step in sorted(spans):
        at_work += step
        most = max(most, at_work)
    assert most <= QUOTA


def test_runs_started_one_after_another_are_let_in_in_that_order(api: Api, stack: Stack, quota: None) -> None:
    """When each one's first state begins after that is up to its state machine: one may overtake another there."""
    tables = Account(stack).root("dynamodb")
    turns = Turns()
    holding = [api.start(HOLDING) for _ in range(QUOTA)]
    started = [api.start(ONE) for _ in range(2 * QUOTA)]
    turns.look(tables)
    assert sorted(turns.waiting.values()) == sorted(started)
    for run_id in holding:
        assert api.call("POST", f"/v1/runs/{run_id}/cancel").ok
        turns.look(tables)
    while turns.waiting:
        turns.look(tables)
    assert {api.finished(run_id, within=500)["state"] for run_id in started} == {"succeeded"}
    let_in = [run_id for _, run_id in sorted(turns.inside.items()) if run_id in started]
    assert let_in == [run_id for run_id in started if run_id in let_in]


def test_treatments_beyond_a_pools_limit_wait_for_a_runner(api: Api, small_pool: None) -> None:
    run_id = api.start(MANY)
    waiting = api.until(run_id, lambda run: any(one["waiting_for"] for one in run["treatments"]))
    assert any("a runner of pool local (position" in str(one["waiting_for"]) for one in waiting["treatments"])
    ended = api.finished(run_id)
    assert ended["state"] == "succeeded"
    spans = sorted((one["started_at"], one["finished_at"]) for one in ended["treatments"])
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
