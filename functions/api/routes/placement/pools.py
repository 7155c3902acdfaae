"""Pools, and active runners."""

import re
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field

from api.endpoint import Body, Call, Endpoints, Model, Reply
from api.naming import check_name
from api.routes.placement.pool_shapes import PoolBody, PoolDetailView, PoolList, PoolView, pool_detail_view, pool_view
from api.routes.runs.insight_shapes import RunnerView, runner_view
from api.shapes import NAME_PATTERN
from cadence.adapters.http.pool_settings_schema import check_settings
from cadence.application.placement.runner_costs import cost, price_of, since
from cadence.application.runs.run_details import attempts
from cadence.composition.api import Services
from cadence.domain.access.access import Permission, Principal
from cadence.domain.access.scopes import pool_scope
from cadence.domain.access.secret_owner import pool_owner
from cadence.domain.placement.pool import PROVIDERS, Pool
from cadence.domain.runners.runner import Runner
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, Violation

endpoints = Endpoints("pools")


class ActiveRunnerView(RunnerView):
    """`run_id`, `treatment` and `attempt` are the work that it was started for."""

    run_id: str
    treatment: str
    project: str
    since: datetime
    cost: float | None = Field(
        description="Until its end, or so far; null if no price is known, or its end was not reported."
    )
    held_until: datetime | None = Field(description="Until when its machine is kept after a failure.")


class RunnerList(Model):
    items: list[ActiveRunnerView]
    next: str | None = None


class RunnersQuery(Model):
    run: str | None = Field(None, max_length=40, description="All runners of this run; without it, those now at work.")


class RemovalQuery(Model):
    abandon: bool = Field(
        default=False,
        description="Also if its infrastructure cannot be asked for its machines: they are left there, and cost.",
    )


class HoldBody(Body):
    minutes: int = Field(60, ge=1, le=60)


class HeldView(Model):
    runner_id: str
    state: str
    held_until: datetime | None


@endpoints.add("GET", "/v1/pools", Permission.POOLS_READ, answers={200: PoolList})
def list_pools(call: Call, services: Services) -> PoolList:
    """Lists the pools that the token's projects may use."""
    return PoolList(items=[pool_view(pool, call.by) for pool in visible_pools(call.by, services)])


@endpoints.add(
    "PUT",
    "/v1/pools/{pool}",
    Permission.POOLS_WRITE,
    answers={200: PoolView, 201: PoolView},
    errors=(409, 413, 415, 422),
)
def put_pool(call: Call, services: Services, pool: str, body: PoolBody) -> Reply:
    """Creates or replaces a pool.

    Needs the permission at the pool; members of a team may also create one for their `team`. Each project that the pool
    is newly given to needs the permission, too, and in a team's new pool the role maintainer.
    """
    check_name("pool", pool)
    _check(body)
    stored = _stored(call.by, services, pool)
    changed = body.pool(call.by.organization, pool, stored)
    services.pool_access.check(call.by, changed, stored, body.team)
    create = partial(services.pool_access.create, call.by, changed, body.team) if stored is None else None
    new = services.pools.put(changed, body.credentials, create)
    if stored is not None and body.team is not None:
        services.pool_access.give(call.by, pool, body.team)
    return Reply(pool_view(changed, call.by), 201 if new else 200)


@endpoints.add("GET", "/v1/pools/{pool}", Permission.POOLS_READ, answers={200: PoolDetailView}, errors=(404,))
def show_pool(call: Call, services: Services, pool: str) -> PoolDetailView:
    """Shows a pool: its runners, why, since when and at what cost they run, what waits, and its provider's findings."""
    by = call.by
    detail = services.pools.detail(_pool(by, services, pool), lambda project: by.sees(by.organization, project))
    teams = () if by.is_guest else services.pool_access.grants(by.organization, pool)
    return pool_detail_view(detail, by, teams)


@endpoints.add("POST", "/v1/pools/{pool}/probe", Permission.POOLS_WRITE, answers={202: PoolView}, errors=(404,))
def probe_pool(call: Call, services: Services, pool: str) -> Reply:
    """Has the pool's provider check, without starting anything, whether it could start runners.

    The pool shows its findings a moment later.
    """
    stored = _pool(call.by, services, pool)
    services.pools.ask_probe(stored)
    return Reply(pool_view(stored, call.by), 202)


@endpoints.add("DELETE", "/v1/pools/{pool}", Permission.POOLS_WRITE, answers={204: None}, errors=(404, 409, 422))
def remove_pool(call: Call, services: Services, pool: str, query: RemovalQuery) -> Reply:
    """Removes a pool, its credentials, its secrets and the grants at it.

    This is once its infrastructure reports that nothing of it exists any more. Needs a token for all projects.
    """
    _check_owner(call.by, pool)
    try:
        services.pools.remove(_pool(call.by, services, pool), abandon=query.abandon)
    except NotFound:
        # An earlier removal may have failed between the pool and what belongs to it, which a later pool would inherit.
        _remove_belongings(call.by, services, pool)
        raise
    _remove_belongings(call.by, services, pool)
    return Reply(None, 204)


@endpoints.add("GET", "/v1/runners", Permission.RUNNERS_READ, answers={200: RunnerList}, errors=(404, 422))
def list_runners(call: Call, services: Services, query: RunnersQuery) -> RunnerList:
    """Lists active runners, why, since when and at what cost they run, the oldest first; or all runners of a run."""
    by = call.by
    pools = visible_pools(by, services)
    if query.run is None:
        active = services.pools.at_work(pools, lambda project: by.sees(by.organization, project))
        return RunnerList(items=[_active(one.runner, one.since, one.cost, one.currency) for one in active])
    prices = {pool.name: pool.price for pool in pools}
    items = []
    for treatment in services.treatments.list_treatments(services.visible.get(by, query.run).run_id):
        for runner in attempts(services.runners, treatment):
            price = price_of(runner, prices.get(runner.pool))
            spent = cost(runner, price, services.clock())
            items.append(_active(runner, since(runner), spent, price.currency if price else None))
    return RunnerList(items=items)


@endpoints.add(
    "POST",
    "/v1/runners/{runner}/hold",
    Permission.RUNNERS_HOLD,
    answers={200: HeldView},
    errors=(404, 409, 413, 415, 422),
)
def hold_runner(call: Call, services: Services, runner: str, body: HoldBody) -> HeldView:
    """Keeps a runner's machine if its treatment fails, for an hour at most.

    The machine costs as much as before meanwhile: the pool shows it.
    """
    stored = _runner(call.by, services, runner)
    return _held_view(services.hold.hold(stored, timedelta(minutes=body.minutes)))


@endpoints.add("DELETE", "/v1/runners/{runner}/hold", Permission.RUNNERS_HOLD, answers={200: HeldView}, errors=(404,))
def release_runner(call: Call, services: Services, runner: str) -> HeldView:
    """Ends the hold, and the machine if its treatment has ended."""
    return _held_view(services.hold.release(_runner(call.by, services, runner)))


def _runner(principal: Principal, services: Services, runner_id: str) -> Runner:
    """Returns the runner. Raises NotFound, in the same words, for one of a project that the token may not read."""
    missing = NotFound(f"There is no runner {runner_id[:100]!r} here.")
    if not re.fullmatch(r"[0-9a-z-]{1,100}", runner_id):
        raise missing
    try:
        runner = services.runners.get_runner(runner_id)
    except NotFound:
        raise missing from None
    if not principal.sees(runner.organization, runner.project):
        raise missing
    return runner


def _held_view(runner: Runner) -> HeldView:
    return HeldView(runner_id=runner.runner_id, state=str(runner.state), held_until=runner.held_until)


def _check(body: PoolBody) -> None:
    if body.provider not in PROVIDERS:
        providers = ", ".join(PROVIDERS)
        raise InvalidRequest(
            f"There is no provider {body.provider!r}. There are: {providers}.",
            [Violation("/provider", f"is none of {providers}")],
        )
    violations = [*body.violations(), *check_settings(body.provider, body.settings)]
    if violations:
        raise InvalidRequest(
            f"This is no pool of {body.provider} (its settings: /v1/schemas/pool-settings/{body.provider}/1).",
            violations,
        )


def _active(runner: Runner, began: datetime, spent: float | None, currency: str | None) -> ActiveRunnerView:
    return ActiveRunnerView(
        **{**runner_view(runner).model_dump(), "currency": currency},
        run_id=runner.run_id,
        treatment=runner.treatment,
        project=runner.project,
        since=began,
        cost=spent,
        held_until=runner.held_until,
    )


def _pool(principal: Principal, services: Services, name: str) -> Pool:
    """Returns the pool. Raises NotFound, in the same words, for one that the token's project may not use."""
    missing = NotFound(f"There is no pool {name[:70]!r} here.")
    if not re.fullmatch(NAME_PATTERN, name):
        raise missing
    try:
        pool = services.access.get_pool(principal.organization, name)
    except NotFound:
        raise missing from None
    if not principal.sees_pool(pool.name, pool.projects):
        raise missing
    return pool


def _stored(principal: Principal, services: Services, name: str) -> Pool | None:
    """Returns the pool of that name, whoever may see it; None if there is none."""
    try:
        return services.access.get_pool(principal.organization, name)
    except NotFound:
        return None


def _remove_belongings(by: Principal, services: Services, pool: str) -> None:
    services.shared_secrets.remove_all(by.organization, pool_owner(pool))
    services.pool_access.forget(by.organization, pool)


def _check_owner(principal: Principal, pool: str) -> None:
    if not principal.covers(pool_scope(pool)):
        raise Forbidden(f"Deleting pool {pool} needs pools:write at the pool, with a token for all projects.")


def visible_pools(principal: Principal, services: Services) -> list[Pool]:
    """Returns the pools that the token's projects may use."""
    pools = services.access.list_pools(principal.organization)
    return [pool for pool in pools if principal.sees_pool(pool.name, pool.projects)]
