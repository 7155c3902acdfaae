"""Checks that pools have enough runners for treatments that run at the same time because streams connect them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from cadence.domain.pipelines.document.connections.types import Flow
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Problems, Severity
from cadence.domain.pipelines.document.pipeline import Connection
from cadence.domain.pipelines.document.project_checks import Context, PoolOffer, usable_pools
from cadence.domain.pipelines.document.treatments.groups import each_input, is_group, paired
from cadence.domain.pipelines.document.treatments.matrix import Combination
from cadence.domain.shared.display import shown

_MOST_SHOWN = 8

Waits = dict[str, dict[str, bool]]
"""Maps each consumer to its producers, and these to whether the consumer waits for their end."""


def check_concurrent(
    draft: Draft,
    connections: Iterable[Connection],
    combinations: Mapping[str, Sequence[Combination]],
    context: Context,
    problems: Problems,
) -> None:
    """Adds a problem where streams connect more treatments than their pools have runners.

    Instances of matrices count, as far as they are known. Too few runners are no deadlock by themselves, since a stream
    is kept and can be read later. But when a runner is lost, the treatments that wait for its treatment may hold the
    runners that the next attempt needs.
    """
    pools = context.pools or {}
    if all(offer.max_runners is None for offer in pools.values()):
        return
    for names in _simultaneous_sets(_waits(draft, connections)):
        members = [draft.treatments[name] for name in names]
        runners = {member.name: _runners(member, combinations) for member in members}
        shortage = _too_many(members, runners, draft, pools)
        if shortage is not None:
            problems.add(shortage)


def _waits(draft: Draft, connections: Iterable[Connection]) -> Waits:
    waits: Waits = {name: {} for name in draft.treatments}
    for connection in connections:
        source = draft.treatments.get(connection.source_treatment)
        target = draft.treatments.get(connection.target_treatment)
        if source is None or target is None:
            continue
        port = (target.inputs or {}).get(connection.target_port)
        streams = port is not None and port.flow is Flow.STREAM and each_input(target.body) != port.name
        waits_for_end = not streams or (is_group(source.body) and not paired(source.body, target.body))
        waits[target.name][source.name] = waits_for_end or waits[target.name].get(source.name, False)
    for treatment in draft.treatments.values():
        for _, name in texts(treatment.body.get("after")):
            if name in waits:
                waits[treatment.name][name] = True
    return waits


def _simultaneous_sets(waits: Waits) -> Iterator[list[str]]:
    """Yields the sets of treatments connected by streams, of which none waits for the end of another.

    A treatment's phase is the number of ends that precede its start: if a consumer has a higher phase than its
    producer, the producer may have ended before the consumer starts.
    """
    try:
        order = list(TopologicalSorter(waits).static_order())
    except CycleError:
        return
    phase: dict[str, int] = {}
    for name in order:
        phase[name] = max((phase[producer] + ended for producer, ended in waits[name].items()), default=0)
    sets = {name: [name] for name in waits}
    for name in order:
        for producer, ended in waits[name].items():
            larger, smaller = sets[producer], sets[name]
            if ended or phase[producer] != phase[name] or larger is smaller:
                continue
            if len(larger) < len(smaller):
                larger, smaller = smaller, larger
            larger.extend(smaller)
            sets.update(dict.fromkeys(smaller, larger))
    for members in {id(members): members for members in sets.values()}.values():
        if len(members) > 1:
            yield members


def _runners(treatment: DraftTreatment, combinations: Mapping[str, Sequence[Combination]]) -> int:
    """Returns how many instances of a treatment can run at a time."""
    count = len(combinations.get(treatment.name, ())) or 1
    limit = mapping(treatment.body.get("matrix")).get("max_parallel")
    return min(count, limit) if isinstance(limit, int) else count


def _too_many(
    members: Sequence[DraftTreatment], runners: Mapping[str, int], draft: Draft, pools: Mapping[str, PoolOffer]
) -> DocumentProblem | None:
    usable = [(member, frozenset(usable_pools(member.body, draft.defaults, pools))) for member in members]
    for names in dict.fromkeys(allowed for _, allowed in usable if allowed):
        limits = [pools[name].max_runners for name in names]
        bound = sum(limit for limit in limits if limit is not None)
        needing = [member for member, allowed in usable if allowed and allowed <= names]
        needed = sum(runners[member.name] for member in needing)
        if None in limits or needed <= bound:
            continue
        is_retried = any(_retried(member, draft) for member in needing)
        names_needing = [member.name for member in needing]
        shown_names = names_needing if len(names_needing) <= _MOST_SHOWN else [*names_needing[:_MOST_SHOWN], "…"]
        where = f"pool{'s' if len(names) > 1 else ''} {', '.join(sorted(names))}"
        risk = "a lost one could wait for ever for a runner that another holds while it waits for it"
        return needing[0].problem(
            Code.POOL_TOO_SMALL_TOGETHER,
            f"Streams connect {needed} treatments{' and instances' if needed > len(needing) else ''}, but the {where} can have {bound} runners at a time: "
            f"{', '.join(map(shown, shown_names))}. {risk.capitalize() if is_retried else 'They will run one after another'}.",
            (),
            "List another pool, or let some wait for the others' end: a block instead of a stream, or after.",
            at_key=True,
            severity=Severity.ERROR if is_retried else Severity.WARNING,
        )
    return None


def _retried(treatment: DraftTreatment, draft: Draft) -> bool:
    retry = {**mapping(draft.defaults.get("retry")), **mapping(treatment.body.get("retry"))}
    return any(retry.get(cause) not in (None, 0) for cause in ("infrastructure", "failure", "timeout"))
