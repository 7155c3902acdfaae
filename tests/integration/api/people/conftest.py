"""What the tests of people share."""

from collections.abc import Iterator

import pytest

from tests.integration.api.people.directory_servers import RealDirectory, needs_samba, needs_slapd, samba, slapd
from tests.integration.api.people.issuer import Issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer().listening() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def openldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDirectory]:
    with slapd(tmp_path_factory.mktemp("slapd")) as directory:
        yield directory


@pytest.fixture(scope="session")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDirectory]:
    with samba(tmp_path_factory.mktemp("samba")) as directory:
        yield directory


@pytest.fixture(params=[pytest.param("openldap", marks=needs_slapd), pytest.param("domain", marks=needs_samba)])
def directory(request: pytest.FixtureRequest) -> RealDirectory:
    found: RealDirectory = request.getfixturevalue(request.param)
    return found
