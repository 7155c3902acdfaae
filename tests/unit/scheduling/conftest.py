import pytest

from tests.unit.scheduling.setting import Setting


@pytest.fixture
def setting() -> Setting:
    return Setting()
