"""What holds for all tests."""

import gc
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

# Collection makes millions of objects that stay: looking for garbage among them took nearly half of its time, and
# would take long again in each full search while the tests run.
gc.disable()


def pytest_collection_finish() -> None:
    """Looks for garbage from now on, and only among what the tests make."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders modules for several workers, so that all end at about the same time: those first that take long, by powers
    of two; those of about the same length stay in their random order.
    """
    if not hasattr(config, "workerinput"):
        return
    from tests.workers import LONGEST, module_of

    slow = {module_of(item.nodeid) for item in items if item.get_closest_marker("slow") is not None}
    seconds = dict.fromkeys(slow, 10) | LONGEST
    items.sort(key=lambda item: -(seconds.get(module_of(item.nodeid), 0) // 10).bit_length())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling | None":
    """Divides the modules among the workers as `tests.workers` says."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.workers import ByModule

    config.option.loadscopereorder = False
    return ByModule(config, log)
