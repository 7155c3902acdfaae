"""The real engine on pools with a value policy: it reports as much as its pool keeps."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadence.domain.melodium.specification import engine_run_id
from tests.e2e.api import Api, states
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import HAS_SECRETS, PROGRAMS, agent_environment, needs_engine
from tests.e2e.hosts import joined
from tests.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    needs_engine,
    pytest.mark.skipif(not HAS_SECRETS, reason="engines before 0.11.0 report all values, so these pools refuse them"),
]

EMITS = "main%2Fnumbers%2FemitNumber"


@pytest.fixture(params=["digest", "none"])
def pool(
    request: pytest.FixtureRequest, api: Api, stack: Stack, cadence: Cadence, tmp_path: Path
) -> Iterator[tuple[str, str]]:
    """A pool with a host that has the engine, and what the pool captures."""
    name = f"engines-{request.param}"
    body = {"provider": "host", "settings": {"require_sandbox": False}, "values": {"capture": request.param}}
    assert api.call("PUT", f"/v1/pools/{name}", json=body).ok
    with joined(stack, cadence, name, tmp_path, 2, environment=agent_environment()) as host:
        yield name, request.param
    for each in json.loads(cadence("host", "list", "--json").stdout):
        if each["name"] == host:
            cadence("host", "remove", each["host_id"])
    assert api.call("DELETE", f"/v1/pools/{name}").ok


def test_an_engine_reports_what_its_pool_keeps(
    cadence: Cadence, api: Api, pool: tuple[str, str], tmp_path: Path
) -> None:
    name, capture = pool
    shutil.copy(PROGRAMS / "counting.mel", tmp_path)
    document = tmp_path / "document.yaml"
    document.write_text(
        f"cadence: 1\nname: policies\ntreatments: {{count: {{melodium: {{program: counting.mel}}, pools: [{name}]}}}}\n"
    )
    run_id = cadence("run", str(document), "--follow").stdout.split()[1]
    run = api.run(run_id)
    assert (run["state"], states(run)["count"]) == ("succeeded", "succeeded")
    engine = engine_run_id(run_id, "count", 1)
    assert api.finished(engine)["state"] == "succeeded"
    eventually(lambda: api.call("GET", f"/v1/runs/{engine}/treatments/{EMITS}").ok, pause=0.2)
    emits = api.get(f"/v1/runs/{engine}/treatments/{EMITS}")
    assert [(one["port"], one["value"]) for one in emits["outputs"]] == [("emit", None)]
    assert emits["spec"]["element"]["unreported"] == ({"emit": 1} if capture == "digest" else {})
