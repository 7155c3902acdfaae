"""Builds the provider of a pool of an OpenStack from its settings and credentials."""

from cadence.domain.placement.pool import Pool
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.openstack.provider import OpenStackProvider
from cadence.providers.openstack.services import OpenStackServices
from cadence.providers.openstack.settings import OpenStackSettings


def build(pool: Pool, credentials: Credentials, context: ProviderContext) -> OpenStackProvider:
    """Returns the provider of a pool.

    `credentials` are `application_credential_id` and `application_credential_secret`, or those of a user (see the
    schema).
    """
    settings = OpenStackSettings.from_json(pool.own_settings)
    hidden = Hidden()
    return OpenStackProvider(
        MachineOwner(context.installation, pool.organization, pool.name),
        settings,
        OpenStackServices(settings, credentials, hidden),
        hidden,
        BootOptions.from_json(pool.settings.get("boot", {})),
    )
