"""Builds the provider of a pool of GitLab's runners from its settings and its credentials.

The credentials are `token`, a project access token.
"""

import requests

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.gitlab.dialect import GitlabDialect
from cadence.providers.gitlab.provider import GitlabProvider
from cadence.providers.gitlab.settings import GitlabSettings
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest

# GitLab.com makes 25 pipelines a minute for a project.
_PACE = RateLimit(per_second=0.4, burst=20)


def build(
    pool: Pool, credentials: Credentials, context: ProviderContext, session: requests.Session | None = None
) -> GitlabProvider:
    """Returns the provider. Raises ProviderRejected if the credentials lack something."""
    token = credentials.get("token")
    if not token:
        raise ProviderRejected("The pool's credentials lack `token`: a project access token of GitLab.")
    settings, hidden = GitlabSettings.from_json(pool.settings), Hidden([token])
    api = LimitedApi(settings.project, settings.url, "pipelines", _PACE)
    rest = Rest(
        f"{settings.url}/api/v4",
        GitlabDialect(),
        lambda: {"PRIVATE-TOKEN": token},
        hidden=hidden,
        session=session,
        turns=(context.calls, api),
    )
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    return GitlabProvider(owner, settings, rest, hidden, context.clock, api)
