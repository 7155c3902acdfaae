"""What holds for all tests."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

# How fast a machine happens to be is no property of what is tested. The examples of property tests and simulations are
# the same for everybody, so that a change is never judged by another's dice; `--hypothesis-profile=explore` draws new
# ones, and the workflow `explore` does so each night.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("cadence", parent=settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("cadence")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders modules for several workers: slow ones first, so that all workers end at about the same time."""
    if not hasattr(config, "workerinput"):
        return
    quick: dict[str, bool] = {}
    for item in items:
        module = _module(item.nodeid)
        quick[module] = quick.get(module, True) and item.get_closest_marker("slow") is None
    items.sort(key=lambda item: quick[_module(item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling | None":
    """Divides the modules among the workers as `tests.workers` says."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.workers import ByModule

    config.option.loadscopereorder = False
    return ByModule(config, log)


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0]
