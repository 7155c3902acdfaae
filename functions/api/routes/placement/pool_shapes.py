"""Shapes of pools."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field

from api.endpoint import Body, Model
from api.shapes import JsonObject, Name, ProjectOrAll
from cadence.application.placement.manage_pools import PoolDetail
from cadence.domain.access.access import ALL_PROJECTS, Principal
from cadence.domain.access.people import Grant
from cadence.domain.access.scopes import pool_scope
from cadence.domain.pipelines.document.pipeline import ANYWHERE
from cadence.domain.placement.pool import HOST, PROVIDERS, LargestRunner, Pool, Price
from cadence.domain.placement.pool_policy import Budget, InstanceOffer, Policy, WarmWindow, is_time
from cadence.domain.shared.errors import Violation
from cadence.domain.values.value_retention import ValueCapture, ValuePolicy

CredentialName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
SecretText = Annotated[str, Field(min_length=1, max_length=60_000)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/=-]{0,62}$")]
Architecture = Literal["amd64", "arm64"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class PoolLimits(Body):
    """The largest runner of the pool in millicores and MB. Documents are checked against what is set."""

    runners: int | None = Field(None, ge=1, le=100_000, description="At most so many at a time; the others wait.")
    cpu: int | None = Field(default=None, ge=1)
    memory: int | None = Field(default=None, ge=1)
    storage: int | None = Field(default=None, ge=1)
    images: bool | None = Field(default=None, description="Whether its runners can run container images.")


class PoolPrice(Body):
    """The price of an hour of a runner of the pool, for the metrics of cost."""

    per_hour: float = Field(ge=0, le=100_000)
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="A code of ISO 4217.")


class PoolOfferBody(Body):
    """A kind of machine that the pool may buy, by its name at the infrastructure: millicores and MB."""

    name: str = Field(min_length=1, max_length=200)
    cpu: int = Field(ge=1)
    memory: int = Field(ge=1)
    storage: int | None = Field(None, ge=1)
    arch: Architecture = "amd64"
    per_hour: float | None = Field(None, ge=0, le=100_000, description="In the currency of the pool's price.")
    spot: bool = Field(default=False, description="It may be taken away at any time.")


class PoolWarmWindow(Body):
    """How many machines wait, between two times of some days; `24:00` is the end of a day."""

    days: list[Day] = Field(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], min_length=1, max_length=7)
    start: str = Field("00:00", max_length=5)
    end: str = Field("24:00", max_length=5)
    timezone: str = Field("UTC", max_length=60)
    ready: int = Field(0, ge=0, le=1_000)
    stopped: int = Field(0, ge=0, le=1_000)


class PoolBudget(Body):
    """In the currency of the pool's price, for each calendar month (UTC).

    Runners that could exceed it are not started.
    """

    per_month: float = Field(gt=0, le=100_000_000)


class PoolValues(Body):
    """What is kept of the values that its runners send, and where values are stored.

    `full`: everything, for the project's retention. `digest`: once all readers of a value have ended, its digest, size,
    type and times. `none`: its size, type and times.
    """

    capture: Literal["full", "digest", "none"] = "full"
    bucket: str | None = Field(
        None, min_length=3, max_length=63, description="One that this installation was deployed with."
    )
    region: str | None = Field(None, max_length=30, description="The bucket's, to be held against.")


class PoolBody(Body):
    """`boot_deadline` in seconds, from when the infrastructure has begun."""

    provider: str = Field(max_length=40, json_schema_extra={"enum": list(PROVIDERS)})
    boot_deadline: int = Field(120, ge=5, le=3_600)
    architectures: list[Architecture] = Field(["amd64"], min_length=1, max_length=2)
    projects: Annotated[list[ProjectOrAll], Field(min_length=1, max_length=100)] | None = Field(
        None,
        description="The projects that may use the pool, or `*` for all. Without this member it stays given to those"
        " that it is given to; a new one is given to all, for which a team's new pool has to name them.",
    )
    team: Name | None = Field(
        None, description="A team of the organization that gets the role maintainer at the pool. It keeps that."
    )
    settings: JsonObject = Field(
        default_factory=dict, description="The provider's own, by the schema `pool-settings/{provider}`."
    )
    credentials: dict[CredentialName, SecretText] | None = Field(
        None,
        max_length=20,
        description="What the provider needs to act there. Kept encrypted, and never read back; without it, what is kept stays.",
    )
    limits: PoolLimits = PoolLimits(runners=None)
    price: PoolPrice | None = None
    region: str | None = Field(None, max_length=60, description="As the infrastructure calls it.")
    residency: str | None = Field(None, pattern=r"^[a-z][a-z0-9-]{0,30}$", description="Where its data is: `eu`, `ch`.")
    offers: list[PoolOfferBody] = Field(default_factory=list, max_length=100)
    labels: list[Label] = Field(default_factory=list, max_length=50)
    warm: list[PoolWarmWindow] = Field(default_factory=list, max_length=50)
    max_duration: int | None = Field(None, ge=1, le=604_800, description="Seconds. Longer treatments go elsewhere.")
    budget: PoolBudget | None = None
    values: PoolValues = Field(default_factory=lambda: PoolValues(bucket=None, region=None))

    def violations(self) -> list[Violation]:
        """Returns violations that no shape covers."""
        violations = []
        for index, window in enumerate(self.warm):
            place = f"/warm/{index}"
            violations += [
                Violation(f"{place}/{name}", "is no time of day such as 08:30")
                for name in ("start", "end")
                if not is_time(getattr(window, name))
            ]
            if window.timezone not in available_timezones():
                violations.append(Violation(f"{place}/timezone", "is no time zone such as Europe/Paris"))
            if not violations and window.start >= window.end:
                violations.append(Violation(f"{place}/end", "is not after the start: use two windows for a night"))
        if self.budget and not (self.price or self.offers):
            violations.append(
                Violation("/budget", "cannot be kept without prices: give `price`, or `offers` with `per_hour`")
            )
        if self.residency == ANYWHERE:
            violations.append(Violation("/residency", "is what documents call everywhere: name a place, or none"))
        if self.credentials and self.provider == HOST:
            violations.append(Violation("/credentials", "are nothing that a pool of hosts could use"))
        return violations

    def pool(self, organization: str, name: str, stored: Pool | None) -> Pool:
        """Returns the pool that replaces `stored` (None: there is none)."""
        projects = self.projects or (stored.projects if stored else (ALL_PROJECTS,))
        return Pool(
            organization=organization,
            name=name,
            provider=self.provider,
            boot_deadline=self.boot_deadline,
            architectures=tuple(self.architectures),
            projects=tuple(projects),
            settings=self.settings,
            max_runners=self.limits.runners,
            largest=LargestRunner(**self.limits.model_dump(exclude={"runners"})),
            price=Price(self.price.per_hour, self.price.currency) if self.price else None,
            policy=Policy(
                region=self.region,
                residency=self.residency,
                offers=tuple(InstanceOffer(**offer.model_dump()) for offer in self.offers),
                labels=tuple(self.labels),
                warm=tuple(WarmWindow(**{**window.model_dump(), "days": tuple(window.days)}) for window in self.warm),
                max_duration=self.max_duration,
                budget=Budget(self.budget.per_month) if self.budget else None,
                values=ValuePolicy(ValueCapture(self.values.capture), self.values.bucket, self.values.region),
            ),
        )


class PoolView(Model):
    """The pool as it was set, without credentials: it may be sent back as a body."""

    name: str
    provider: str
    boot_deadline: int
    architectures: list[str]
    projects: list[str] = Field(description="Those that may use it (`*`: all), as far as the caller may see them.")
    settings: JsonObject
    limits: JsonObject
    price: JsonObject | None
    region: str | None
    residency: str | None
    offers: list[JsonObject]
    labels: list[str]
    warm: list[JsonObject]
    max_duration: int | None
    budget: JsonObject | None
    values: JsonObject


class PoolList(Model):
    items: list[PoolView]
    next: str | None = None


class PoolCredentialsView(Model):
    names: list[str]
    updated_at: datetime | None


class CheckView(Model):
    """`missing` is null where nothing is missing."""

    what: str
    missing: str | None
    hint: str | None


class ProbeView(Model):
    at: datetime
    passed: bool
    checks: list[CheckView]
    error: str | None = Field(description="Why nothing could be looked at.")


class SweepView(Model):
    at: datetime
    seen: int = Field(description="Machines in the infrastructure's own inventory.")
    ended: int = Field(description="Of these, the ones that belonged to no run and were ended.")


class RefusalView(Model):
    offer: str
    at: datetime
    reason: str = Field(description="In the infrastructure's own words.")
    times: int = Field(description="How often in a row.")
    until: datetime = Field(description="Until then other pools are asked first.")


class PoolRunnerView(Model):
    runner_id: str
    run_id: str
    treatment: str
    state: str
    phase: str | None
    since: datetime
    attempt: int
    offer: str | None = Field(description="What its infrastructure sold it as, once that is known.")
    cost: float | None = Field(description="So far, by the price of what it was sold as, or of the pool.")
    currency: str | None
    held_until: datetime | None


class QueuedView(Model):
    run_id: str
    treatment: str
    position: int
    estimate_seconds: int | None = Field(description="About how long still, from how long those that run have taken.")


class SpendingView(Model):
    """Amounts of the budget of a calendar month (UTC)."""

    month: str = Field(description="As `2024-01`.")
    per_month: float = Field(description="The budget.")
    spent: float = Field(description="What runners that have ended have cost.")
    set_aside: float = Field(description="What active runners could cost at most; the rest is given back at their end.")
    currency: str


class PoolTeamView(Model):
    team: str
    role: str


class PoolDetailView(Model):
    pool: PoolView
    teams: list[PoolTeamView] = Field(description="The teams that have a role at the pool; guests see none of them.")
    credentials: PoolCredentialsView
    probe: ProbeView | None = Field(description="What the last dry probe found; null before its answer is there.")
    sweep: SweepView | None
    refusals: list[RefusalView]
    spending: SpendingView | None = Field(description="Of its budget; null without one, and of a pool of hosts.")
    runners: list[PoolRunnerView]
    queue: list[QueuedView]


def pool_view(pool: Pool, by: Principal) -> PoolView:
    """Returns the answer about a pool. Of its projects, only those that `by` may see are named."""
    policy = pool.policy
    everything = by.covers(pool_scope(pool.name))
    return PoolView(
        name=pool.name,
        provider=pool.provider,
        boot_deadline=pool.boot_deadline,
        architectures=list(pool.architectures),
        projects=[
            name for name in pool.projects if everything or name == ALL_PROJECTS or by.sees(pool.organization, name)
        ],
        settings=dict(pool.settings),
        limits={"runners": pool.max_runners, **asdict(pool.largest)},
        price=asdict(pool.price) if pool.price else None,
        region=policy.region,
        residency=policy.residency,
        offers=[asdict(offer) for offer in policy.offers],
        labels=list(policy.labels),
        warm=[{**asdict(window), "days": list(window.days)} for window in policy.warm],
        max_duration=policy.max_duration,
        budget=asdict(policy.budget) if policy.budget else None,
        values={**asdict(policy.values), "capture": str(policy.values.capture)},
    )


def pool_detail_view(detail: PoolDetail, by: Principal, teams: Sequence[Grant]) -> PoolDetailView:
    probe, sweep = detail.probe, detail.sweep
    return PoolDetailView(
        pool=pool_view(detail.pool, by),
        teams=[PoolTeamView(team=grant.subject.name, role=grant.role) for grant in teams],
        credentials=PoolCredentialsView(names=list(detail.credentials.names), updated_at=detail.credentials.updated_at),
        probe=None
        if probe is None
        else ProbeView(
            at=probe.at,
            passed=probe.passed,
            checks=[CheckView(**asdict(check)) for check in probe.checks],
            error=probe.error,
        ),
        sweep=None if sweep is None else SweepView(**asdict(sweep)),
        refusals=[RefusalView(**asdict(one)) for one in detail.refusals],
        spending=None
        if detail.spending is None
        else SpendingView(**asdict(detail.spending), currency=(detail.pool.price or Price(0)).currency),
        runners=[
            PoolRunnerView(
                runner_id=one.runner.runner_id,
                run_id=one.runner.run_id,
                treatment=one.runner.treatment,
                state=str(one.runner.state),
                phase=one.runner.phase,
                since=one.since,
                attempt=one.runner.attempt,
                offer=one.runner.offer,
                cost=one.cost,
                currency=one.currency,
                held_until=one.runner.held_until,
            )
            for one in detail.runners
        ],
        queue=[
            QueuedView(
                run_id=one.run_id,
                treatment=one.treatment,
                position=one.position,
                estimate_seconds=None if one.estimate is None else round(one.estimate.total_seconds()),
            )
            for one in detail.queue
        ],
    )
