"""Builds the provider of a pool of Scaleway from its settings and its credentials: `secret_key` of an API key."""

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest
from cadence.providers.scaleway.dialect import ScalewayDialect
from cadence.providers.scaleway.provider import ScalewayProvider
from cadence.providers.scaleway.settings import ScalewaySettings

URL = "https://api.scaleway.com"
# The limit is not published; this is the rate of Scaleway's own tools.
_PACE = RateLimit(per_second=5, burst=20)


def build(pool: Pool, credentials: Credentials, context: ProviderContext, url: str = URL) -> ScalewayProvider:
    """Returns the provider. Raises ProviderRejected if the credentials lack something."""
    key = credentials.get("secret_key")
    if not key:
        raise ProviderRejected("The pool's credentials lack `secret_key`: that of an API key of Scaleway.")
    settings, hidden = ScalewaySettings.from_json(pool.settings), Hidden([key])
    api = LimitedApi(settings.project_id, "all", "instances", _PACE)
    rest = Rest(url, ScalewayDialect(), lambda: {"X-Auth-Token": key}, hidden=hidden, turns=(context.calls, api))
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    boot = BootOptions.from_json(pool.settings.get("boot", {}))
    return ScalewayProvider(owner, settings, rest, hidden, api, boot)
