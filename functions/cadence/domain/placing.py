"""Which of an organization's pools may give a treatment its runner, in which order, and why: the decision in words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadence.domain.custody import Custody
from cadence.domain.pool import Pool
from cadence.domain.pool_policy import warm_now
from cadence.domain.specification import TreatmentSpec

# For how long a pool that had no room is asked last.
BACK_OFF = timedelta(seconds=60)


@dataclass(frozen=True)
class Refusal:
    """When a pool had no room for an offer, and what the infrastructure said."""

    offer: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Considered:
    """A pool, and what speaks for or against it."""

    pool: str
    fits: bool
    reason: str


def misfit(pool: Pool, spec: TreatmentSpec, project: str) -> str | None:
    """Why a pool can never give this runner; None if it can."""
    if not pool.serves(project):
        return f"pool {pool.name} does not serve project {project}"
    elsewhere = misplaced(pool, spec)
    if elsewhere:
        return elsewhere
    custody = Custody.of(pool.name, pool.policy.values)
    if spec.engine and custody:
        return f"{custody.reason}, and the engine of {spec.name} tells of every value inside of it"
    if spec.arch and spec.arch not in pool.architectures:
        return f"pool {pool.name} has no {spec.arch}"
    largest, policy = pool.largest, pool.policy
    for what, wanted, most, unit in (
        ("cpu", spec.cpu, largest.cpu, "millicores"),
        ("memory", spec.memory, largest.memory, "MB"),
        ("storage", spec.storage, largest.storage, "MB"),
        ("max_duration", spec.max_duration, policy.max_duration, "s"),
    ):
        if wanted is not None and most is not None and wanted > most:
            return f"pool {pool.name} has at most {most} {unit} of {what}, not {wanted}"
    if (spec.image or spec.services) and largest.images is False:
        return f"pool {pool.name} runs no images"
    if policy.offers and not policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch):
        return f"no offer of pool {pool.name} has what is asked for"
    return None


def misplaced(pool: Pool, spec: TreatmentSpec) -> str | None:
    """Why the pool is not where the treatment has to stay; None if it is."""
    there = pool.policy.residency
    if not spec.residency or there in spec.residency:
        return None
    where = f"is in {there}" if there else "does not say where its data is"
    return f"pool {pool.name} {where}, and {spec.name} has to stay in {' or '.join(spec.residency)}"


def hourly(pool: Pool, spec: TreatmentSpec) -> float | None:
    """What its cheapest fitting machine costs in an hour; None if nobody said."""
    for offer in pool.policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch):
        if offer.per_hour is not None:
            return offer.per_hour
    return pool.price.per_hour if pool.price else None


def in_order(
    pools: Sequence[Pool], spec: TreatmentSpec, refusals: Mapping[str, Sequence[Refusal]], now: datetime
) -> list[tuple[Pool, str]]:
    """The fitting `pools`, first to last, each with what put it there.

    The pipeline's own list is kept; without one, warm pools come first and then cheap ones. Behind all others are pools that
    had no room a moment ago: they are not left out, since something may have become free.
    """
    ranked = []
    for index, pool in enumerate(pools):
        price = hourly(pool, spec)
        warm = sum(warm_now(pool.policy.warm, now)) > 0
        recent = [refusal for refusal in refusals.get(pool.name, ()) if now < refusal.at + BACK_OFF]
        own = (index,) if spec.pools else (not warm, price is None, price or 0.0, index)
        words = [f"number {index + 1} of the pipeline's list"] if spec.pools else []
        words += ["machines wait there"] if warm else []
        words += [f"{price:g} an hour"] if price is not None and not spec.pools else []
        words += [f"had no room for {one.offer} at {one.at:%H:%M:%S} UTC: {one.reason}" for one in recent[:1]]
        ranked.append(((bool(recent), *own), pool, ", ".join(words)))
    return [(pool, words) for _, pool, words in sorted(ranked, key=lambda one: one[0])]


def encode(considered: Sequence[Considered]) -> str:
    return json.dumps([[one.pool, one.fits, one.reason[:300]] for one in considered], separators=(",", ":"))


def decode(text: str | None) -> tuple[Considered, ...]:
    return tuple(Considered(*one) for one in json.loads(text)) if text else ()
