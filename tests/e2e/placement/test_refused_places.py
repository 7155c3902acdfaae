"""A cluster that nobody reaches takes no treatment with it: each goes on elsewhere, or says what it waits for."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cadence.adapters.caching.ttl_cached_pools import SECONDS
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence

pytestmark = pytest.mark.slow

DEAD = {
    "provider": "kubernetes",
    # Nothing listens there.
    "settings": {"server": "https://127.0.0.1:9", "namespace": "runners", "image": "registry.example/runner:1"},
    "credentials": {"token": "of-nobody"},
}


@contextmanager
def dead_pool(api: Api, name: str) -> Iterator[str]:
    """A pool of one test alone: what one was refused, others are not asked for."""
    answer = api.call("PUT", f"/v1/pools/{name}", json=DEAD)
    assert answer.ok, answer.text
    yield name
    api.withdraw(name, DEAD)
    time.sleep(SECONDS + 0.5)  # processes that place treatments may still know the pool as it was


@pytest.fixture(scope="module")
def nowhere_else(api: Api) -> Iterator[str]:
    """A run that has no other place: begun before the other test, since half a minute passes until that is known."""
    with dead_pool(api, "dead-nowhere-else") as pool:
        yield api.start(document("nowhere-else", pool))


@pytest.fixture
def dead(api: Api) -> Iterator[str]:
    with dead_pool(api, "dead-elsewhere") as pool:
        yield pool


def document(name: str, *pools: str) -> dict[str, Any]:
    return {"cadence": 1, "name": name, "treatments": {"build": {"run": "echo built", "pools": list(pools)}}}


@pytest.mark.usefixtures("nowhere_else")
def test_a_treatment_goes_on_elsewhere_and_says_why(api: Api, cadence: Cadence, dead: str) -> None:
    run_id = api.start(document("elsewhere", dead, "local"))
    run = api.finished(run_id, within=180)
    assert run["state"] == "succeeded", run
    (treatment,) = run["treatments"]
    assert (treatment["pool"], treatment["attempt"]) == ("local", 1)
    told = cadence("show", run_id, "build", "--placement").stdout.splitlines()
    (refused,) = [line for line in told if f"{dead}:" in line]
    assert "refused this attempt:" in refused and "127.0.0.1" in refused
    assert any(line.startswith("→ local:") for line in told)
    # Everybody else hears of it.
    (known,) = api.get(f"/v1/pools/{dead}")["refusals"]
    assert known["offer"] == "any" and "127.0.0.1" in known["reason"]
    # Whoever comes next does not wait for it first.
    next_id = api.start(document("elsewhere-at-once", dead, "local"))
    assert api.finished(next_id)["state"] == "succeeded"
    placed = cadence("show", next_id, "build", "--placement").stdout
    assert "refused at" in placed and "refused this attempt" not in placed


def test_without_another_place_it_says_what_it_waits_for(api: Api, cadence: Cadence, nowhere_else: str) -> None:
    waiting = api.until(
        nowhere_else,
        lambda run: any("127.0.0.1" in (one["waiting_for"] or "") for one in run["treatments"]),
        within=180,
    )
    assert waiting["state"] == "running"
    assert "waits for a pool that takes it" in cadence("show", nowhere_else, "build", "--placement").stdout
    assert api.call("POST", f"/v1/runs/{nowhere_else}/cancel").ok
    assert api.finished(nowhere_else)["state"] == "cancelled"


def test_a_pool_of_which_nothing_can_be_known_is_abandoned_by_word_only(api: Api, cadence: Cadence) -> None:
    api.withdraw("doomed", DEAD)
    refused = cadence("pool", "delete", "doomed", status=1)
    assert "cannot be known" in refused.stderr and "127.0.0.1" in refused.stderr
    cadence("pool", "delete", "doomed", "--abandon")
    assert "doomed" not in {pool["name"] for pool in api.get("/v1/pools")["items"]}
