"""Real Mélodium engines that report to the stack."""

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Stack
from tests.e2e.engine import Engine, Ids, needs_engine

pytestmark = [pytest.mark.engine, needs_engine]


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Engine:
    return Engine(f"{stack.url}/0.1", stack.token)


def test_a_program_is_a_run(engine: Engine, api: Api) -> None:
    ids = Ids()
    engine.run("counting.mel", ids)
    run = api.finished(ids.run)
    assert (run["state"], run["cause"], run["pipeline"]) == ("succeeded", None, "melodium-main")
    assert ids.run in [each["run_id"] for each in api.get("/v1/runs")["items"]]
