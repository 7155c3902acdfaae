"""What the tests of people share."""

from collections.abc import Iterator

import pytest

from tests.integration.api.people.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()
