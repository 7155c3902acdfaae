"""The pools that may give a treatment its runner, in which order, and the decision in words."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.back_off import BackOff
from cadence.domain.placement.engine_placement import reports_too_much
from cadence.domain.placement.pool import Pool, PoolRefusal, Price
from cadence.domain.placement.pool_policy import warm_now
from cadence.domain.values.value_retention import ValueRetention

# The label of a refusal that concerns all offers of a pool, or an unknown one.
ANY_OFFER = "any"
# The reason against a pool of self-registered hosts.
UNATTENDED = "no machine of it asks for work"
# With more offers than this, refusals are not kept per offer.
_MOST_OFFERS = 10


@dataclass(frozen=True)
class Considered:
    """A pool that was considered, and the reason for or against it."""

    pool: str
    fits: bool
    reason: str


def misfit(pool: Pool, spec: TreatmentSpec, project: str) -> str | None:
    """Returns why a pool can never give this runner; None if it can."""
    if not pool.serves(project):
        return f"pool {pool.name} does not serve project {project}"
    misplacement = misplaced(pool, spec)
    if misplacement:
        return misplacement
    retention = ValueRetention.of(pool.name, pool.policy.values)
    if spec.engine and retention and (reason := reports_too_much(spec.engine, retention)):
        return f"{retention.reason}, and the engine of {spec.name} {reason}"
    if spec.arch and spec.arch not in pool.architectures:
        return f"pool {pool.name} has no {spec.arch}"
    largest, policy = pool.largest, pool.policy
    for name, requested, available, unit in (
        ("cpu", spec.cpu, largest.cpu, "millicores"),
        ("memory", spec.memory, largest.memory, "MB"),
        ("storage", spec.storage, largest.storage, "MB"),
        ("max_duration", spec.max_duration, policy.max_duration, "s"),
    ):
        if requested is not None and available is not None and requested > available:
            return f"pool {pool.name} has at most {available} {unit} of {name}, not {requested}"
    if (spec.image or spec.services) and largest.images is False:
        return f"pool {pool.name} runs no images"
    if policy.offers and not policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch):
        return f"no offer of pool {pool.name} has what is asked for"
    return None


def misplaced(pool: Pool, spec: TreatmentSpec) -> str | None:
    """Returns why the pool violates the treatment's residency; None if it does not."""
    residency = pool.policy.residency
    if not spec.residency or residency in spec.residency:
        return None
    location = f"is in {residency}" if residency else "does not say where its data is"
    return f"pool {pool.name} {location}, and {spec.name} has to stay in {' or '.join(spec.residency)}"


def hourly(pool: Pool, spec: TreatmentSpec) -> float | None:
    """Returns what the pool's cheapest fitting machine costs in an hour; None if no price is known."""
    for offer in pool.policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch):
        if offer.per_hour is not None:
            return offer.per_hour
    return pool.price.per_hour if pool.price else None


def expected_price(pool: Pool, spec: TreatmentSpec) -> Price | None:
    """Returns what an hour of the treatment's runner is expected to cost; None if no price is known."""
    per_hour = hourly(pool, spec)
    return None if per_hour is None else Price(per_hour, pool.currency)


def offers_for(pool: Pool, spec: TreatmentSpec) -> tuple[str, ...]:
    """Returns the labels of the pool's offers that the treatment can use; refusals are recorded under these."""
    fitting = pool.policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch)
    labels = tuple(dict.fromkeys(offer.label for offer in fitting))
    return labels if 0 < len(labels) <= _MOST_OFFERS else (ANY_OFFER,)


def in_the_way(pool: Pool, spec: TreatmentSpec, back_offs: Sequence[BackOff], now: datetime) -> Sequence[BackOff]:
    """Returns the pool's current refusals, newest first, if they cover all that it offers the treatment; else none."""
    own = {offer.label for offer in pool.policy.offers}
    lasting = [back_off for back_off in back_offs if back_off.lasts(now)]
    # A refusal of no single offer (the budget, an API that does not answer) concerns all of them.
    of_all = [back_off for back_off in lasting if back_off.offer not in own]
    refused = {back_off.offer for back_off in lasting}
    usable = offers_for(pool, spec)
    blocking = [*of_all, *(back_off for back_off in lasting if back_off.offer in usable)]
    if not of_all and not refused.issuperset(usable):
        return ()
    return sorted(blocking, key=lambda back_off: back_off.at, reverse=True)


def in_order(
    pools: Sequence[Pool],
    spec: TreatmentSpec,
    back_offs: Mapping[str, Sequence[BackOff]],
    now: datetime,
    unattended: Collection[str] = (),
) -> list[tuple[Pool, str]]:
    """Returns the fitting `pools`, first to last, each with the reason for its place.

    The pipeline's own list is kept; without one, warm pools come first and then cheap ones. Behind all others are pools
    that refused lately all their offers for the treatment: they are not left out, since capacity may have become free.
    Last are those that are `unattended`.
    """
    ranked = []
    for index, pool in enumerate(pools):
        price = hourly(pool, spec)
        warm = sum(warm_now(pool.policy.warm, now)) > 0
        refused = in_the_way(pool, spec, back_offs.get(pool.name, ()), now)
        own = (index,) if spec.pools else (not warm, price is None, price or 0.0, index)
        words = [f"number {index + 1} of the pipeline's list"] if spec.pools else []
        words += ["machines wait there"] if warm else []
        words += [f"{price:g} an hour"] if price is not None and not spec.pools else []
        words += [_refusal_text(back_off) for back_off in refused[:1]]
        words += [UNATTENDED] if pool.name in unattended else []
        ranked.append(((pool.name in unattended, bool(refused), *own), pool, ", ".join(words)))
    return [(pool, words) for _, pool, words in sorted(ranked, key=lambda entry: entry[0])]


def boot_wait(pool: str, boot_deadline: int) -> str:
    """Returns what a treatment waits for while its machine boots, in words; `boot_deadline` is in seconds."""
    return f"a machine of pool {pool} to start and to call home (given up {boot_deadline} s after its start)"


def considered(ordered: Sequence[tuple[Pool, str]], refusals: Sequence[PoolRefusal]) -> list[Considered]:
    """Returns the fitting pools, each with its refusal of this attempt, if there was one."""
    answers = {refusal.pool: refusal for refusal in refusals}
    entries = []
    for pool, words in ordered:
        answer = answers.get(pool.name)
        own = [words] if words else []
        own += [f"refused this attempt: {answer.words}"] if answer else []
        entries.append(Considered(pool.name, not (answer and answer.lasting), ", ".join(own)))
    return entries


def _refusal_text(refusal: BackOff) -> str:
    offer = "" if refusal.offer == ANY_OFFER else f" {refusal.offer}"
    repetitions = f" ({refusal.times} times in a row)" if refusal.times > 1 else ""
    return f"refused{offer} at {refusal.at:%H:%M:%S} UTC{repetitions}: {refusal.reason}"


def encode(considered: Sequence[Considered]) -> str:
    """Returns the pools as JSON, each reason cut to 300 characters."""
    return json.dumps([[entry.pool, entry.fits, entry.reason[:300]] for entry in considered], separators=(",", ":"))


def decode(text: str | None) -> tuple[Considered, ...]:
    """Returns the pools that `encode` wrote; none for None."""
    return tuple(Considered(*entry) for entry in json.loads(text)) if text else ()
