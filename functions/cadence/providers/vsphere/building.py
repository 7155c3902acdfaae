"""Builds the provider of a pool of a vCenter from its settings and credentials."""

from functools import partial

from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.bootstrap import BootOptions, user_data
from cadence.providers.contract import Credentials, ProviderContext, RunnerRequest
from cadence.providers.marks import MachineOwner
from cadence.providers.vsphere.inventory import Inventory
from cadence.providers.vsphere.provider import VSphereProvider
from cadence.providers.vsphere.settings import VSphereSettings


def build(pool: Pool, credentials: Credentials, context: ProviderContext) -> VSphereProvider:
    """Returns the provider of a pool. `credentials` are `username` and `password`."""
    settings = VSphereSettings.from_json(pool.own_settings)
    return VSphereProvider(
        owner=MachineOwner(context.installation, pool.organization, pool.name),
        settings=settings,
        inventory=Inventory(settings=settings, credentials=credentials),
        user_data=partial(_user_data, options=BootOptions.from_json(pool.settings.get("boot", {}))),
        price_per_hour=pool.price.per_hour if pool.price else None,
    )


def _user_data(request: RunnerRequest, options: BootOptions) -> str:
    if request.home is None:
        raise ProviderRejected("A virtual machine needs the address to call home to.")
    return user_data(request.home, request, options)
