"""The Lambdas of providers whose machines call home: one row each, by the provider's name in ``cadence.domain.pool``.

From a row come the Lambda ``provider_<name>``, its size, its archive and its role. A Lambda costs nothing while nobody calls it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.permission import Permission


@dataclass(frozen=True)
class ProviderLambda:
    """``packages`` of the lock file beside what every provider needs; ``permissions`` in the installation's own account beside those of every provider.

    ``memory`` in MB, ``timeout`` in seconds. A pool in somebody else's account acts by its own credentials, and needs none here.
    """

    packages: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    memory: int = 512
    timeout: int = 60


PROVIDER_LAMBDAS: Mapping[str, ProviderLambda] = {
    "openstack": ProviderLambda(packages=("keystoneauth1",)),
    # The description of vSphere's API takes its place in memory.
    "vsphere": ProviderLambda(packages=("pyvmomi",), memory=1024),
}


def folder(provider: str) -> str:
    """The folder in ``functions/`` of a provider's Lambda."""
    return f"provider_{provider}"
