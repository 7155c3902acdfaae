"""Metrics and exports on the stack: a real scrape, and lines that reach a receiver through its outage."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from tests.e2e.api import Api
from tests.integration.exports.receiver import Receiver, receiving
from tests.integration.exports.test_peers import RULES, prometheus
from tests.waiting import eventually

DOCUMENT: dict[str, Any] = {
    "cadence": 1,
    "name": "monitored",
    "treatments": {"speak": {"run": "for n in 1 2 3; do echo line $n; done"}, "fall": {"run": "echo before; exit 3"}},
}
WITHIN = 120.0  # seconds; a bound on a hang, not a measure

R = TypeVar("R")


@pytest.fixture
def receiver(api: Api) -> Iterator[Receiver]:
    """With the export `watched`; the pool has a price as long."""
    (pool,) = (pool for pool in api.get("/v1/pools")["items"] if pool["name"] == "local")
    body = {name: value for name, value in pool.items() if name not in ("name", "price")}
    api.call("PUT", "/v1/pools/local", json={**body, "price": {"per_hour": 3600, "currency": "EUR"}})
    with receiving() as made:
        wanted = {"kind": "loki", "url": f"{made.url}/push", "credentials": {"scheme": "bearer", "secret": "s3cret"}}
        assert api.call("PUT", "/v1/exports/watched", json=wanted).status_code == 201
        yield made
        api.call("DELETE", "/v1/exports/watched")
    api.call("PUT", "/v1/pools/local", json=body)


@pytest.fixture
def project(api: Api) -> str:
    """One of its own: a project has at most 300 series, which the tests that share the stack use up in `default`."""
    name = f"p{uuid.uuid4().hex[:8]}"
    assert api.call("POST", "/v1/projects", json={"name": name}).status_code == 201
    return name


def start(api: Api, project: str) -> str:
    started = api.call("POST", f"/v1/projects/{project}/runs", json={"document": DOCUMENT})
    assert started.status_code == 201, started.text
    return str(started.json()["run_id"])


def test_a_run_is_counted_scraped_and_exported_through_an_outage(
    api: Api, receiver: Receiver, project: str, tmp_path: Path
) -> None:
    receiver.refuse = (503, {}, "starting")
    # What the organization's exports want is remembered for a few seconds.
    time.sleep(6)
    run_id = start(api, project)
    assert api.finished(run_id)["state"] == "failed"

    eventually(lambda: api.get("/v1/exports/watched")["standing"]["failing"], WITHIN)
    receiver.refuse = None
    eventually(lambda: {"line 1", "line 2", "line 3", "before"} <= set(receiver.lines), WITHIN)
    assert receiver.got[0].headers["authorization"] == "Bearer s3cret"
    standing = eventually(lambda: _recovered(api), WITHIN)
    assert (standing["dead"], standing["error"]) == (0, None)

    costs = eventually(lambda: _of(api, run_id), WITHIN)
    assert {one["treatment"] for one in costs["treatments"]} == {"speak", "fall"}
    assert costs["totals"][0]["currency"] == "EUR" and costs["totals"][0]["amount"] > 0

    # The run's end is told after its treatments' ends.
    counted = f'cadence_runs_total{{project="{project}",pipeline="monitored",state="failed"}} 1'
    eventually(lambda: counted in api.call("GET", "/metrics").text or None, WITHIN)
    _scrape(api, tmp_path)


def _scrape(api: Api, folder: Path) -> None:
    """By Debian's Prometheus where it is installed, with the rules of the documentation."""
    address = urlsplit(api.url)
    with prometheus(folder, address.netloc, RULES.read_text(), token=api.token) as peer:
        eventually(lambda: peer.samples('up{job="cadence"} == 1'), WITHIN)
        (failed,) = eventually(lambda: peer.samples('cadence_runs_total{pipeline="monitored",state="failed"}'), WITHIN)
        assert failed["value"][1] == "1"
        # Each may be of another scrape, and a scrape that fails takes all of them away until the next.
        eventually(
            lambda: peer.samples('cadence_treatments_total{treatment="fall",state="failed",pool="local"}'), WITHIN
        )
        eventually(lambda: peer.samples('cadence_cost_total{pipeline="monitored",currency="EUR"}'), WITHIN)


def _recovered(api: Api) -> Any:
    standing = api.get("/v1/exports/watched")["standing"]
    return standing if not standing["failing"] and standing["pending"] == 0 else None


def _of(api: Api, run_id: str) -> Any:
    costs = api.get(f"/v1/runs/{run_id}/cost")
    return costs if len(costs["treatments"]) == 2 else None
