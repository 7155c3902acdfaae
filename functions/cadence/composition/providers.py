"""Wiring of every provider's Lambda but the host's: from a provider's `Build` to the handler of its Lambda."""

import os
import time

from cadence.adapters.aws.pool_identity import PoolIdentity
from cadence.adapters.caching.ttl_cached_pools import CachedPools
from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.placement.back_offs import CIRCUIT, REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.placement.claims import DynamoClaims
from cadence.adapters.dynamodb.placement.ledger import DynamoLedger
from cadence.adapters.dynamodb.placement.pool_credentials import DynamoPoolCredentials
from cadence.adapters.dynamodb.placement.pool_records import DynamoPoolRecords
from cadence.adapters.dynamodb.placement.rate_limits import DynamoRateLimits
from cadence.adapters.dynamodb.runners.host_store import DynamoHostStore
from cadence.adapters.dynamodb.runners.runner_store import DynamoRunnerStore
from cadence.adapters.dynamodb.runs.run_store import DynamoRunStore
from cadence.adapters.kms.cipher import KmsCipher
from cadence.adapters.lambda_runtime.machine_boundary import LambdaHandler, token_task
from cadence.adapters.sqs.deadlines import SqsDeadlines
from cadence.application.placement.back_offs import Refusals
from cadence.application.placement.budgets import Budgets
from cadence.application.placement.pacing import RateLimiter
from cadence.application.placement.ports import Identity
from cadence.composition.shared import settings
from cadence.composition.shared.clock import now
from cadence.composition.shared.machines import state_machines
from cadence.providers.contract import AgentFile, Build, ProviderContext
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import ReleaseRunner, StartRunner
from cadence.providers.operations import Operations
from cadence.providers.provider_cache import CachedProviders
from cadence.providers.sweeping import Sweep


def provider_handler(name: str, build: Build) -> LambdaHandler:
    """Returns the handler of the Lambda `provider_<name>`; `docs/architecture/lambdas.md` lists its operations."""
    config = settings.load(settings.provider_settings(name))
    runs, runners = DynamoRunStore(config.runs_table), DynamoRunnerStore(config.runners_table)
    machines = state_machines(config)
    cipher = KmsCipher(config.secrets_key)
    access = DynamoAccessStore(config.access_table)
    pools = CachedPools(access)
    credentials = DynamoPoolCredentials(config.access_table, cipher)
    rate_limiter = RateLimiter(DynamoRateLimits(config.runners_table), now, time.sleep)
    circuits, claims = DynamoBackOffs(config.runners_table, CIRCUIT), DynamoClaims(config.runners_table)
    around = ProviderContext(
        installation=config.installation,
        clock=now,
        back_offs=circuits,
        calls=rate_limiter,
        claims=claims,
        identity=_identity(config),
    )
    providers = CachedProviders(name, pools, credentials, build, around)
    homes = Homes(name, _gateway(config.gateway_url), _agent(config), cipher)
    records = DynamoPoolRecords(config.runners_table)
    budgets = Budgets(pools, DynamoLedger(config.runners_table), now)
    refusals = Refusals(DynamoBackOffs(config.runners_table, REFUSED), now)
    deadlines = SqsDeadlines(config.deadlines_queue_url)
    start = StartRunner(
        runs=runs,
        treatments=runs,
        runners=runners,
        machines=machines,
        deadlines=deadlines,
        providers=providers.get,
        clock=now,
        homes=homes,
        rate_limiter=rate_limiter,
        records=records,
        budgets=budgets,
        refusals=refusals,
        pools=access,
    )
    release = ReleaseRunner(runners=runners, providers=providers.get, records=records, budgets=budgets, clock=now)
    sweep = Sweep(
        providers=providers.get,
        runners=DynamoHostStore(config.runners_table).get_runners,
        records=records,
        clock=now,
        pools=pools,
        release=release.release,
        budgets=budgets,
        store=runners,
    )
    operations = Operations(
        start=start, release=release, providers=providers.get, records=records, sweep=sweep, clock=now, pools=pools
    )
    return token_task(f"provider_{name}", operations.handle, machines)


def _identity(config: settings.ProviderSettings) -> Identity | None:
    if isinstance(config, settings.FederatedProviderSettings):
        return PoolIdentity(config.pool_identity_role_arn)
    return None


def _agent(config: settings.ProviderSettings) -> AgentFile:
    return AgentFile(f"{_gateway(config.gateway_url)}/runner/v1/agent/{config.agent_sha256}", config.agent_sha256)


def _gateway(url: str) -> str:
    """Returns the gateway's address. On one machine the API is a path below the local stack's address."""
    return os.environ["AWS_ENDPOINT_URL"] + url if url.startswith("/") else url
