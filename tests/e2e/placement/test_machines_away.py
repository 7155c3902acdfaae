"""Pools of machines of which none asks for work: whoever can goes on elsewhere, whoever cannot says what it
waits for.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api, states
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.hosts import joined

pytestmark = pytest.mark.slow


def document(name: str, run: str, *pools: str) -> dict[str, Any]:
    build = {"run": run, **({"pools": list(pools)} if pools else {})}
    return {"cadence": 1, "name": name, "treatments": {"build": build}}


def test_who_waits_for_a_machine_that_leaves_goes_on_elsewhere(
    api: Api, stack: Stack, cadence: Cadence, tmp_path: Path
) -> None:
    assert api.call("PUT", "/v1/pools/leaving", json={"provider": "host", "settings": {"require_sandbox": False}}).ok
    with joined(stack, cadence, "leaving", tmp_path, 1) as host:
        # Its only slot is taken, so that the next waits for it.
        busy = api.start(document("busy", "sleep 600", "leaving"))
        api.until(busy, lambda run: states(run) == {"build": "running"})
        waiting = api.start(document("waiting", "echo built", "leaving", "local"))
        api.until(waiting, lambda run: [one["pool"] for one in run["treatments"]] == ["leaving"])
        hosts = json.loads(cadence("host", "list", "--json").stdout)
        (host_id,) = (one["host_id"] for one in hosts if one["name"] == host)
        cadence("host", "drain", host_id)
        alone = api.start(document("alone", "echo built", "leaving"))

        # The watchdog looks a minute after it was offered.
        run = api.finished(waiting, within=180)
        assert (run["state"], run["treatments"][0]["pool"]) == ("succeeded", "local"), run
        placed = cadence("show", waiting, "build", "--placement").stdout
        assert "→ local: number 2 of the pipeline's list" in placed
        assert "no machine of it asks for work" in placed
        # The next is not offered there at all, also without a list.
        anywhere = api.start(document("anywhere", "echo built"))
        assert api.finished(anywhere)["treatments"][0]["pool"] == "local"

        told = "a machine of pool leaving: none asks for work"
        api.until(alone, lambda run: any(told in (one["waiting_for"] or "") for one in run["treatments"]), within=180)
        assert f"waits for {told}" in " ".join(cadence("show", alone).stdout.split())
        for run_id in (alone, busy):
            assert api.call("POST", f"/v1/runs/{run_id}/cancel").ok
            assert api.finished(run_id)["state"] == "cancelled"
        cadence("host", "remove", host_id)
    assert api.call("DELETE", "/v1/pools/leaving").ok
