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
    """Orders modules for several workers: end-to-end tests come last, and of each kind the slow ones first.

    So a worker starts its stack once and as late as it can, and all workers end at about the same time.
    """
    if not hasattr(config, "workerinput"):
        return
    ranks: dict[str, tuple[bool, bool]] = {}
    for item in items:
        module = _module(item.nodeid)
        quick = item.get_closest_marker("slow") is None
        e2e, all_quick = ranks.get(module, (False, True))
        ranks[module] = (e2e or item.get_closest_marker("e2e") is not None, all_quick and quick)
    items.sort(key=lambda item: ranks[_module(item.nodeid)])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling | None":
    """Gives a worker one module after the other, in the order above; tests that share a stack of their own stay
    together.
    """
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            module = _module(nodeid)
            return _OWN_STACK if module.startswith(_OWN_STACK) else module

    config.option.loadscopereorder = False
    return ByModule(config, log)


_OWN_STACK = "tests/e2e_iam/"


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0]
