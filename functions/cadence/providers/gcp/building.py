"""Builds the provider of a pool of Google Compute Engine from its settings and its credentials.

The credentials are `workload_identity`, a configuration without any secret, or `service_account_key`, the JSON file of
a key.
"""

from collections.abc import Callable, Mapping

from cadence.domain.placement.pacing import LimitedApi, RateLimit
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import ProviderRejected
from cadence.providers.bootstrap import BootOptions
from cadence.providers.contract import Credentials, ProviderContext
from cadence.providers.gcp.dialect import GcpDialect
from cadence.providers.gcp.provider import GcpProvider
from cadence.providers.gcp.settings import GcpSettings
from cadence.providers.gcp.tokens import ServiceAccountTokens
from cadence.providers.gcp.workload import IAM, STS, Federation, kept_tokens, session_name
from cadence.providers.hidden import Hidden
from cadence.providers.marks import MachineOwner
from cadence.providers.rest import Rest

COMPUTE = "https://compute.googleapis.com/compute/v1"
RESOURCES = "https://cloudresourcemanager.googleapis.com/v1"
# A project may make 1,500 changes a minute, and as many reads.
_PACE = RateLimit(per_second=20, burst=100)


def build(
    pool: Pool,
    credentials: Credentials,
    context: ProviderContext,
    compute: str = COMPUTE,
    resources: str = RESOURCES,
    sts: str = STS,
    iam: str = IAM,
) -> GcpProvider:
    """Returns the provider. Raises ProviderRejected if the credentials are neither."""
    settings = GcpSettings.from_json(pool.settings)
    hidden, tokens = _tokens(pool, credentials, context, sts, iam)
    api = LimitedApi(settings.project, "all", "compute", _PACE)
    owner = MachineOwner(context.installation, pool.organization, pool.name)
    boot = BootOptions.from_json({"console": "/dev/ttyS0", "notices": "gcp", **pool.settings.get("boot", {})})
    return GcpProvider(
        owner,
        settings,
        Rest(compute, GcpDialect(), tokens, hidden=hidden, turns=(context.calls, api)),
        Rest(resources, GcpDialect(), tokens, hidden=hidden),
        hidden,
        context.clock,
        api,
        boot,
    )


def _tokens(
    pool: Pool, credentials: Credentials, context: ProviderContext, sts: str, iam: str
) -> tuple[Hidden, Callable[[], Mapping[str, str]]]:
    if "workload_identity" not in credentials:
        hidden = Hidden()
        return hidden, ServiceAccountTokens(credentials.get("service_account_key", ""), hidden).token
    if "service_account_key" in credentials:
        raise ProviderRejected(
            "The pool has `workload_identity` and `service_account_key`: with the first, give no key."
        )
    if context.identity is None:
        raise ProviderRejected("This installation has no identity of AWS: give `service_account_key`.")
    federation = Federation.from_configuration(credentials["workload_identity"])
    shared, tokens = kept_tokens(federation, context.identity, session_name(pool.organization, pool.name), sts, iam)
    return shared, tokens.token
