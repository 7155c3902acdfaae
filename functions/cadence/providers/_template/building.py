"""Builds the provider of a pool of Template from its settings and its credentials: `token`."""

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers._template.dialect import TemplateDialect
from cadence.providers._template.provider import TemplateProvider
from cadence.providers._template.settings import TemplateSettings
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest

URL = "https://api.template.example/v1"
# The rate limit of one account: from its documentation, or a cautious estimate.
_PACE = RateLimit(per_second=5, burst=20)


def build(pool: Pool, credentials: Credentials, context: ProviderContext, url: str = URL) -> TemplateProvider:
    """Returns the provider. Raises ProviderRejected if the credentials lack something."""
    token = credentials.get("token")
    if not token:
        raise ProviderRejected("The pool's credentials lack `token`.")
    settings, hidden = TemplateSettings.from_json(pool.settings), Hidden([token])
    api = LimitedApi(pool.organization, "all", "machines", _PACE)
    rest = Rest(
        url,
        TemplateDialect(),
        lambda: {"Authorization": f"Bearer {token}"},
        hidden=hidden,
        turns=(context.calls, api),
    )
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    return TemplateProvider(owner, settings, rest, hidden, api)
