"""Runs and treatments beyond what may run at a time wait for their turn, and all get it."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from tests.e2e.api import Api

pytestmark = pytest.mark.slow

RUNS = int(os.environ.get("CADENCE_E2E_RUNS", "40"))
QUOTA = RUNS // 10
ONE = {"cadence": 1, "name": "one", "treatments": {"t": {"run": "true"}}}
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


def order(runs: list[dict[str, Any]], by: str) -> list[str]:
    return [run["run_id"] for run in sorted(runs, key=lambda run: run[by])]


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


def test_runs_started_one_after_another_begin_in_that_order(api: Api, quota: None) -> None:
    started = [api.start(ONE) for _ in range(3 * QUOTA)]
    ended = [api.finished(run_id, within=500) for run_id in started]
    positions = {run_id: position for position, run_id in enumerate(order(ended, "started_at"))}
    # Those that are let in at the same time begin side by side.
    assert all(abs(positions[run_id] - place) <= QUOTA for place, run_id in enumerate(started))


def test_treatments_beyond_a_pools_limit_wait_for_a_runner(api: Api, small_pool: None) -> None:
    run_id = api.start(MANY)
    waiting = api.until(run_id, lambda run: any(one["waiting_for"] for one in run["treatments"]))
    assert any("a runner of pool local (position" in str(one["waiting_for"]) for one in waiting["treatments"])
    ended = api.finished(run_id)
    assert ended["state"] == "succeeded"
    spans = sorted((one["started_at"], one["finished_at"]) for one in ended["treatments"])
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
