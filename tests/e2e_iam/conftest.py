"""A local stack that refuses what the Lambdas' roles do not allow, for a few tests that touch most of the roles.

All of tests/e2e runs in the same way with CADENCE_E2E_IAM=1.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.api import Api
from tests.e2e.conftest import Stack, serving

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("enforced"), enforce_iam=True) as stack:
        yield stack


@pytest.fixture(scope="package")
def api(stack: Stack) -> Api:
    return Api(stack.url, stack.token)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.slow)
