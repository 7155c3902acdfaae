"""A pool of Google Compute Engine, from its settings and its credentials: `service_account_key`, the JSON file of a key."""

from cadence.domain.pacing import Api, Pace
from cadence.domain.pool import Pool
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, Surroundings
from cadence.providers.gcp.dialect import GcpDialect
from cadence.providers.gcp.provider import GcpProvider
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.gcp.tokens import ServiceAccountTokens
from cadence.providers.hidden import Hidden
from cadence.providers.marks import Owner
from cadence.providers.rest import Rest

COMPUTE = "https://compute.googleapis.com/compute/v1"
RESOURCES = "https://cloudresourcemanager.googleapis.com/v1"
# A project may change 1,500 things a minute, and so it may read.
_PACE = Pace(per_second=20, burst=100)


def build(
    pool: Pool, credentials: Credentials, around: Surroundings, compute: str = COMPUTE, resources: str = RESOURCES
) -> GcpProvider:
    """Raises ProviderRejected if the credentials are no key."""
    settings, hidden = GcpSettings.from_json(pool.settings), Hidden()
    tokens = ServiceAccountTokens(credentials.get("service_account_key", ""), hidden)
    api = Api(settings.project, "all", "compute", _PACE)
    owner = Owner(around.installation, pool.organization, pool.name)
    boot = BootOptions.from_json({"console": "/dev/ttyS0", "notices": "gcp", **pool.settings.get("boot", {})})
    return GcpProvider(
        owner,
        settings,
        Rest(compute, GcpDialect(), tokens, hidden=hidden, turns=(around.calls, api)),
        Rest(resources, GcpDialect(), tokens, hidden=hidden),
        hidden,
        around.clock,
        api,
        boot,
    )
