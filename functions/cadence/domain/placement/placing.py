"""Which of an organization's pools may give a treatment its runner, in which order, and why: the decision in words."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cadence.domain.pipelines.specification import TreatmentSpec
from cadence.domain.placement.back_off import BackOff
from cadence.domain.placement.pool import Pool, PoolRefusal, Price
from cadence.domain.placement.pool_policy import warm_now
from cadence.domain.values.value_retention import ValueRetention

# What a pool could not give, where it is not known which of its offers, or is all of them.
ANY_OFFER = "any"
# Of a pool whose machines join it.
UNATTENDED = "no machine of it asks for work"
# With more offers than this, none is told from the others.
_MOST_OFFERS = 10


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
    retention = ValueRetention.of(pool.name, pool.policy.values)
    if spec.engine and retention:
        return f"{retention.reason}, and the engine of {spec.name} tells of every value inside of it"
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


def expected_price(pool: Pool, spec: TreatmentSpec) -> Price | None:
    per_hour = hourly(pool, spec)
    return None if per_hour is None else Price(per_hour, pool.currency)


def offers_for(pool: Pool, spec: TreatmentSpec) -> tuple[str, ...]:
    """What of the pool the treatment can use, by the labels under which refusals are known."""
    fitting = pool.policy.fitting(spec.cpu, spec.memory, spec.storage, spec.arch)
    labels = tuple(dict.fromkeys(offer.label for offer in fitting))
    return labels if 0 < len(labels) <= _MOST_OFFERS else (ANY_OFFER,)


def in_the_way(pool: Pool, spec: TreatmentSpec, back_offs: Sequence[BackOff], now: datetime) -> Sequence[BackOff]:
    """What the pool refused lately, if that is all that it has for the treatment. The newest first."""
    own = {offer.label for offer in pool.policy.offers}
    lasting = [one for one in back_offs if one.lasts(now)]
    # What is no offer of the pool (its budget, an API that does not answer) stands for all of them.
    of_all = [one for one in lasting if one.offer not in own]
    refused = {one.offer for one in lasting}
    usable = offers_for(pool, spec)
    blocking = [*of_all, *(one for one in lasting if one.offer in usable)]
    if not of_all and not refused.issuperset(usable):
        return ()
    return sorted(blocking, key=lambda one: one.at, reverse=True)


def in_order(
    pools: Sequence[Pool],
    spec: TreatmentSpec,
    back_offs: Mapping[str, Sequence[BackOff]],
    now: datetime,
    unattended: Collection[str] = (),
) -> list[tuple[Pool, str]]:
    """The fitting `pools`, first to last, each with what put it there.

    The pipeline's own list is kept; without one, warm pools come first and then cheap ones. Behind all others are pools that
    refused lately whatever they have for the treatment: they are not left out, since something may have become free. Last come
    those that are `unattended`.
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
        words += [_told(one) for one in refused[:1]]
        words += [UNATTENDED] if pool.name in unattended else []
        ranked.append(((pool.name in unattended, bool(refused), *own), pool, ", ".join(words)))
    return [(pool, words) for _, pool, words in sorted(ranked, key=lambda one: one[0])]


def boot_wait(pool: str, boot_deadline: int) -> str:
    """Returns what a treatment waits for while its machine boots, in words; ``boot_deadline`` is in seconds."""
    return f"a machine of pool {pool} to start and to call home (given up {boot_deadline} s after its start)"


def considered(ordered: Sequence[tuple[Pool, str]], said: Sequence[PoolRefusal]) -> list[Considered]:
    """The fitting pools, with what they said to this attempt."""
    answers = {one.pool: one for one in said}
    found = []
    for pool, words in ordered:
        answer = answers.get(pool.name)
        own = [words] if words else []
        own += [f"said no to this attempt: {answer.words}"] if answer else []
        found.append(Considered(pool.name, not (answer and answer.lasting), ", ".join(own)))
    return found


def _told(refusal: BackOff) -> str:
    what = "" if refusal.offer == ANY_OFFER else f" {refusal.offer}"
    often = f" ({refusal.times} times in a row)" if refusal.times > 1 else ""
    return f"refused{what} at {refusal.at:%H:%M:%S} UTC{often}: {refusal.reason}"


def encode(considered: Sequence[Considered]) -> str:
    return json.dumps([[one.pool, one.fits, one.reason[:300]] for one in considered], separators=(",", ":"))


def decode(text: str | None) -> tuple[Considered, ...]:
    return tuple(Considered(*one) for one in json.loads(text)) if text else ()
