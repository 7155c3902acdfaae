"""Wiring of every provider's Lambda but the host's: from a provider's `Build` to the handler of its Lambda."""

import os
import time
from datetime import UTC, datetime

from cadence.adapters.dynamodb.access import DynamoAccessStore
from cadence.adapters.dynamodb.back_offs import CIRCUIT, REFUSED, DynamoBackOffs
from cadence.adapters.dynamodb.claims import DynamoClaims
from cadence.adapters.dynamodb.hosts import DynamoHostStore
from cadence.adapters.dynamodb.ledger import DynamoLedger
from cadence.adapters.dynamodb.paces import DynamoPaces
from cadence.adapters.dynamodb.pool_credentials import DynamoPoolCredentials
from cadence.adapters.dynamodb.pool_records import DynamoPoolRecords
from cadence.adapters.dynamodb.runners import DynamoRunnerStore
from cadence.adapters.dynamodb.runs import DynamoRunStore
from cadence.adapters.kms_cipher import KmsCipher
from cadence.adapters.machine_boundary import LambdaHandler, token_task
from cadence.adapters.pool_identity import PoolIdentity
from cadence.adapters.remembered_pools import RememberedPools
from cadence.adapters.sqs_deadlines import SqsDeadlines
from cadence.adapters.step_functions import StepFunctionsMachines
from cadence.application.back_offs import Refusals
from cadence.application.budgets import Budgets
from cadence.application.pacing import Pacer
from cadence.application.pool_ports import Identity
from cadence.composition import settings
from cadence.providers.contract import AgentFile, Build, Surroundings
from cadence.providers.homes import Homes
from cadence.providers.lifecycle import ReleaseRunner, StartRunner
from cadence.providers.operations import Operations
from cadence.providers.remembered import RememberedProviders
from cadence.providers.sweeping import Sweep


def provider_handler(name: str, build: Build) -> LambdaHandler:
    """The handler of the Lambda `provider_<name>`; `docs/architecture.md` lists its operations."""
    its = settings.load(settings.provider_settings(name))
    runs, runners = DynamoRunStore(its.runs_table), DynamoRunnerStore(its.runners_table)
    machines = StepFunctionsMachines(its.run_machine_arn, its.treatment_machine_arn)
    cipher = KmsCipher(its.secrets_key)
    access = DynamoAccessStore(its.access_table)
    pools = RememberedPools(access)
    credentials = DynamoPoolCredentials(its.access_table, cipher)
    pacer = Pacer(DynamoPaces(its.runners_table), _now, time.sleep)
    circuits, claims = DynamoBackOffs(its.runners_table, CIRCUIT), DynamoClaims(its.runners_table)
    around = Surroundings(its.installation, _now, circuits, pacer, claims, _identity(its))
    providers = RememberedProviders(name, pools, credentials, build, around)
    homes = Homes(name, _gateway(its.gateway_url), _agent(its), cipher)
    records = DynamoPoolRecords(its.runners_table)
    budgets = Budgets(pools, DynamoLedger(its.runners_table), _now)
    refusals = Refusals(DynamoBackOffs(its.runners_table, REFUSED), _now)
    deadlines = SqsDeadlines(its.deadlines_queue_url)
    start = StartRunner(
        runs, runners, machines, deadlines, providers, _now, homes, pacer, records, budgets, refusals, access
    )
    release = ReleaseRunner(runners, providers, records, budgets, _now)
    sweep = Sweep(
        providers, DynamoHostStore(its.runners_table).get_runners, records, _now, pools, release, budgets, runners
    )
    operations = Operations(start, release, providers, records, sweep, _now, pools)
    return token_task(f"provider_{name}", operations, machines)


def _identity(its: settings.ProviderSettings) -> Identity | None:
    if isinstance(its, settings.FederatedProviderSettings):
        return PoolIdentity(its.pool_identity_role_arn)
    return None


def _agent(its: settings.ProviderSettings) -> AgentFile:
    return AgentFile(f"{_gateway(its.gateway_url)}/runner/v1/agent/{its.agent_sha256}", its.agent_sha256)


def _gateway(url: str) -> str:
    """On one machine the API is a path below the local stack's address."""
    return os.environ["AWS_ENDPOINT_URL"] + url if url.startswith("/") else url


def _now() -> datetime:
    return datetime.now(UTC)
