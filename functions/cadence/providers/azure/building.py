"""Builds the provider of a pool of Azure from its settings and its credentials.

The credentials are `client_id`, and `client_secret` or `private_key` with `certificate`.
"""

import hashlib
from collections import OrderedDict

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.providers.azure.dialect import AzureDialect
from cadence.providers.azure.provider import AzureProvider
from cadence.providers.azure.settings import AzureSettings
from cadence.providers.azure.tokens import ApplicationTokens
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest

MANAGEMENT = "https://management.azure.com"
LOGIN = "https://login.microsoftonline.com"
# A subscription may make 10 changes a second, after a burst of 200.
_PACE = RateLimit(per_second=8, burst=100)
_KEPT = 16

_tokens: OrderedDict[str, tuple[Hidden, ApplicationTokens]] = OrderedDict()


def build(
    pool: Pool, credentials: Credentials, context: ProviderContext, management: str = MANAGEMENT, login: str = LOGIN
) -> AzureProvider:
    """Returns the provider. Raises ProviderRejected if the credentials lack something."""
    settings = AzureSettings.from_json(pool.settings)
    hidden, tokens = _cached_tokens(settings.tenant_id, credentials, login)
    api = LimitedApi(settings.subscription_id, settings.location, "compute", _PACE)
    rest = Rest(management, AzureDialect(), tokens.token, hidden=hidden, turns=(context.calls, api))
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    boot = BootOptions.from_json({"console": "/dev/ttyS0", "notices": "azure", **pool.settings.get("boot", {})})
    return AzureProvider(owner, settings, rest, hidden, api, boot)


def _cached_tokens(tenant_id: str, credentials: Credentials, login: str) -> tuple[Hidden, ApplicationTokens]:
    """Returns the tokens of the credentials. A provider is made anew every half a minute, a token lasts for an hour."""
    whole = repr((tenant_id, login, sorted(credentials.items())))
    key = hashlib.sha256(whole.encode()).hexdigest()
    if key not in _tokens:
        hidden = Hidden()
        _tokens[key] = hidden, ApplicationTokens(tenant_id, credentials, hidden, authority=login)
        while len(_tokens) > _KEPT:
            _tokens.popitem(last=False)
    return _tokens[key]
