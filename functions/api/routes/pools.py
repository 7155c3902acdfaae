"""Pools, and the runners at work."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.insight_shapes import RunnerView, runner_view
from api.naming import check_name
from api.shapes import JsonObject, Name
from cadence.adapters.pool_settings_schema import check_settings
from cadence.application.look_into_run import attempts
from cadence.composition.api import Services
from cadence.domain.access import ALL_PROJECTS, Permission, Principal
from cadence.domain.errors import Forbidden, InvalidRequest, Violation
from cadence.domain.pool import PROVIDERS, LargestRunner, Pool, Price

endpoints = Endpoints("pools")

CredentialName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
SecretText = Annotated[str, Field(min_length=1, max_length=60_000)]

_RECENT_RUNS = 50
_AT_WORK = frozenset({"placing", "booting", "running"})


class PoolLimits(Body):
    """The largest runner of the pool in millicores and MB. Documents are held against what is given."""

    runners: int | None = Field(None, ge=1, le=100_000, description="At most so many at a time; the others wait.")
    cpu: int | None = Field(default=None, ge=1)
    memory: int | None = Field(default=None, ge=1)
    storage: int | None = Field(default=None, ge=1)
    images: bool | None = Field(default=None, description="Whether its runners can run container images.")


class PoolPrice(Body):
    """What an hour of a runner of the pool costs, for the metrics of cost."""

    per_hour: float = Field(ge=0, le=100_000)
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="A code of ISO 4217.")


class PoolBody(Body):
    """`boot_deadline` in seconds, from when the infrastructure has begun; `projects` may use the pool (`*`: all)."""

    provider: str = Field(max_length=40, json_schema_extra={"enum": list(PROVIDERS)})
    boot_deadline: int = Field(120, ge=5, le=3_600)
    architectures: list[Literal["amd64", "arm64"]] = Field(["amd64"], min_length=1, max_length=2)
    projects: list[Name | Literal["*"]] = Field([ALL_PROJECTS], min_length=1, max_length=100)
    settings: JsonObject = Field(
        default_factory=dict, description="The provider's own: the schema `pool-settings/{provider}` says which."
    )
    credentials: dict[CredentialName, SecretText] | None = Field(
        None,
        max_length=20,
        description="What the provider needs to act there. Kept encrypted, and never read back; without it, what is kept stays.",
    )
    limits: PoolLimits = PoolLimits(runners=None)
    price: PoolPrice | None = None


class PoolLimitsView(Model):
    cpu: int | None
    memory: int | None
    storage: int | None
    images: bool | None
    runners: int | None


class PoolPriceView(Model):
    per_hour: float
    currency: str


class PoolView(Model):
    name: str
    provider: str
    boot_deadline: int
    architectures: list[str]
    projects: list[str]
    settings: JsonObject
    limits: PoolLimitsView
    price: PoolPriceView | None


class PoolList(Model):
    items: list[PoolView]
    next: str | None = None


class ActiveRunnerView(RunnerView):
    run_id: str
    treatment: str


class RunnerList(Model):
    items: list[ActiveRunnerView]
    next: str | None = None


class RunnersQuery(Model):
    run: str | None = Field(None, max_length=40, description="All runners of this run; without it, those now at work.")


@endpoints.add("GET", "/v1/pools", Permission.POOLS_READ, answers={200: PoolList})
def list_pools(call: Call, services: Services) -> PoolList:
    """The pools that the token's projects may use."""
    return PoolList(items=[_view(pool) for pool in visible_pools(call.by, services)])


@endpoints.add(
    "PUT",
    "/v1/pools/{pool}",
    Permission.POOLS_WRITE,
    answers={200: PoolView, 201: PoolView},
    errors=(413, 415, 422),
)
def put_pool(call: Call, services: Services, pool: str, body: PoolBody) -> Reply:
    """Create or replace a pool. Needs a token for all projects."""
    if call.by.project != ALL_PROJECTS:
        raise Forbidden("Only a token for all projects can change pools.")
    check_name("pool", pool)
    _check(body)
    changed = Pool(
        call.by.organization,
        pool,
        body.provider,
        body.boot_deadline,
        tuple(body.architectures),
        tuple(body.projects),
        body.settings,
        body.limits.runners,
        LargestRunner(**body.limits.model_dump(exclude={"runners"})),
        Price(body.price.per_hour, body.price.currency) if body.price else None,
    )
    if body.credentials is not None:
        # First: a pool is never there without what it needs.
        services.pool_credentials.put(changed, body.credentials, services.clock())
    new = services.access.put_pool(changed)
    services.slots.limit_pool(changed)
    return Reply(_view(changed), 201 if new else 200)


@endpoints.add("GET", "/v1/runners", Permission.RUNNERS_READ, answers={200: RunnerList}, errors=(404, 422))
def list_runners(call: Call, services: Services, query: RunnersQuery) -> RunnerList:
    """The runners of a run, or those now at work for one of the latest 50 runs."""
    if query.run is not None:
        runs = [services.visible.get(call.by, query.run)]
    else:
        runs = [run for run in services.visible.page(call.by, _RECENT_RUNS).items if not run.state.final]
    items = []
    for run in runs:
        for treatment in services.runs.list_treatments(run.run_id):
            if query.run is not None or treatment.state in _AT_WORK:
                for runner in attempts(services.runners, treatment)[: None if query.run else 1]:
                    view = runner_view(runner).model_dump()
                    items.append(ActiveRunnerView(**view, run_id=run.run_id, treatment=treatment.name))
    return RunnerList(items=items)


def _check(body: PoolBody) -> None:
    if body.provider not in PROVIDERS:
        there = ", ".join(PROVIDERS)
        raise InvalidRequest(
            f"There is no provider {body.provider!r}. There are: {there}.",
            [Violation("/provider", f"is none of {there}")],
        )
    violations = check_settings(body.provider, body.settings)
    if violations:
        raise InvalidRequest(
            f"These are no settings of a pool of {body.provider} (see /v1/schemas/pool-settings/{body.provider}/1).",
            violations,
        )


def visible_pools(principal: Principal, services: Services) -> list[Pool]:
    """Those that the token's projects may use."""
    pools = services.access.list_pools(principal.organization)
    return [pool for pool in pools if principal.project == ALL_PROJECTS or pool.serves(principal.project)]


def _view(pool: Pool) -> PoolView:
    return PoolView(
        name=pool.name,
        provider=pool.provider,
        boot_deadline=pool.boot_deadline,
        architectures=list(pool.architectures),
        projects=list(pool.projects),
        settings=dict(pool.settings),
        limits=PoolLimitsView(runners=pool.max_runners, **asdict(pool.largest)),
        price=PoolPriceView(**asdict(pool.price)) if pool.price else None,
    )
