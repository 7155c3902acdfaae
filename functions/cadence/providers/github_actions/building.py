"""Builds the provider of a pool of GitHub's runners from its settings and its credentials.

The credentials are `token`, or `app_id`, `installation_id` and `private_key`.
"""

import hashlib
from collections import OrderedDict

import requests

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.github_actions.dialect import GithubDialect
from cadence.providers.github_actions.provider import GithubProvider
from cadence.providers.github_actions.settings import GithubSettings
from cadence.providers.github_actions.tokens import AppToken, PlainToken, tokens
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest

# Requests that create content are limited to 80 a minute.
_PACE = RateLimit(per_second=1, burst=20)
_KEPT = 16

_tokens: OrderedDict[str, tuple[Hidden, PlainToken | AppToken]] = OrderedDict()


def build(
    pool: Pool, credentials: Credentials, context: ProviderContext, session: requests.Session | None = None
) -> GithubProvider:
    """Returns the provider. Raises ProviderRejected if the credentials lack something."""
    settings = GithubSettings.from_json(pool.settings)
    hidden, authorization = _cached_tokens(settings, credentials, context, session)
    api = LimitedApi(settings.repository, settings.url, "actions", _PACE)
    rest = Rest(
        settings.url, GithubDialect(), authorization.token, hidden=hidden, session=session, turns=(context.calls, api)
    )
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    return GithubProvider(owner, settings, rest, hidden, context.clock, api)


def _cached_tokens(
    settings: GithubSettings, credentials: Credentials, context: ProviderContext, session: requests.Session | None
) -> tuple[Hidden, PlainToken | AppToken]:
    """Returns the tokens of the credentials.

    A provider is made anew every half a minute, an App's token lasts for an hour.
    """
    whole = repr((settings.repository, settings.url, sorted(credentials.items())))
    key = hashlib.sha256(whole.encode()).hexdigest()
    if key not in _tokens:
        hidden = Hidden()
        _tokens[key] = hidden, tokens(credentials, settings.repository, settings.url, hidden, context.clock, session)
        while len(_tokens) > _KEPT:
            _tokens.popitem(last=False)
    return _tokens[key]
