"""What holds for all tests over the emulated AWS."""

from collections.abc import Iterator

import pytest

from tests.emulation import quick_emulation


@pytest.fixture(scope="session", autouse=True)
def _quick_emulation() -> Iterator[None]:
    with quick_emulation():
        yield
