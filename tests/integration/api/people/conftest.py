"""What the tests of people share."""

from collections.abc import Iterator

import pytest

from tests.integration.api.people.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer().listening() as issuer:
        yield issuer
