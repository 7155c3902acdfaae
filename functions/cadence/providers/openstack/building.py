"""The provider of one pool of an OpenStack, from its settings and credentials."""

from cadence.domain.placement.pool import Pool
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, Surroundings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import Owner
from cadence.providers.openstack.provider import OpenStackProvider
from cadence.providers.openstack.services import Services
from cadence.providers.openstack.settings import OpenStackSettings


def build(pool: Pool, credentials: Credentials, around: Surroundings) -> OpenStackProvider:
    """`credentials` are `application_credential_id` and `application_credential_secret`, or those of a user (see the schema)."""
    settings = OpenStackSettings.from_json(pool.own_settings)
    hidden = Hidden()
    return OpenStackProvider(
        Owner(around.installation, pool.organization, pool.name),
        settings,
        Services(settings, credentials, hidden),
        hidden,
        BootOptions.from_json(pool.settings.get("boot", {})),
    )
