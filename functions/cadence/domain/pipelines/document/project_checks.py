"""Checks a document against the project: environments, pools, and the runners that the pools offer."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

from cadence.domain.access.secret_owner import KnownSecret
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.melodium.stored_program import ProgramFacts
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems, Severity
from cadence.domain.pipelines.document.libraries import Reference, Unavailable
from cadence.domain.pipelines.document.templates import holds_expressions
from cadence.domain.pipelines.document.treatments.residency import in_words, residency_of
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOffer:
    """The runners that a pool offers; `None` where it is not known. Units: millicores and MB, as in documents."""

    architectures: frozenset[str] | None = None
    max_cpu: int | None = None
    max_memory: int | None = None
    max_storage: int | None = None
    images: bool | None = None
    """Whether its runners can run a container image."""
    max_runners: int | None = None
    """How many runners it can have at a time."""
    residency: str | None = None
    """The place of its data; `None` if it has not been declared, so that it satisfies no residency."""
    has_bucket: bool = False
    """Whether it keeps values and log lines in a bucket of its own, and not in the installation's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The project that a document is for. A part that is `None` is not known, and is not checked.

    `secrets` are the project's own and those that are given to it. `other_pools` are pools that are not given to the
    project, but of which the caller may know. `no_source` is the severity of `source: true`: an
    error for a document that is certainly not run for a commit of a connected repository, a warning if that is not
    known, and None if it is. `is_generated`: a treatment of a run sent the document. `path` is the document's own from
    the root of its repository; None if it lies in none.
    """

    secrets: tuple[KnownSecret, ...] | None = None
    pools: Mapping[str, PoolOffer] | None = None
    other_pools: frozenset[str] = frozenset()
    environments: Mapping[str, EnvironmentSet] | None = None
    libraries: Mapping[Reference, bytes | Unavailable] | None = None
    programs: Mapping[str, ProgramFacts | Unavailable] | None = None
    no_source: Severity | None = None
    is_generated: bool = False
    path: str | None = None


@dataclass(frozen=True, slots=True)
class NotOffered:
    """The reason why no pool can run a treatment; `keys` lead to the part of its body that cannot be satisfied."""

    code: Code
    message: str
    keys: tuple[str, ...]
    hint: str | None


@dataclass(frozen=True, slots=True)
class _Needs:
    """The requirements of a treatment on its runner; `None` where it has none or they cannot be read."""

    arch: str | None
    image: bool
    sizes: tuple[tuple[str, int | None], ...]
    residency: tuple[str, ...] = ()


def environment_of(body: Mapping[str, Any]) -> str | None:
    written = body.get("environment")
    name = written.get("name") if isinstance(written, dict) else written
    return name if isinstance(name, str) else None


def environments_of(
    bodies: Iterable[Mapping[str, Any]], environments: Mapping[str, EnvironmentSet]
) -> tuple[EnvironmentSet, ...]:
    """Returns the environments that the bodies of treatments name; all if one of them names it by an expression."""
    names = {name for body in bodies if (name := environment_of(body)) is not None}
    if any(holds_expressions(name) for name in names):
        return tuple(environments.values())
    return tuple(environments[name] for name in sorted(names) if name in environments)


def check_environments(draft: Draft, context: Context, problems: Problems) -> None:
    """Checks that every environment that a treatment names exists; those in expressions are left to the run."""
    if context.environments is None:
        return
    for treatment in draft.treatments.values():
        path: Path = (
            ("environment", "name") if isinstance(treatment.body.get("environment"), dict) else ("environment",)
        )
        name = environment_of(treatment.body)
        if name is not None and name not in context.environments and not holds_expressions(name):
            problems.add(
                DocumentProblem(
                    code=Code.UNKNOWN_ENVIRONMENT,
                    message=f"The project has no environment {shown(name)}.",
                    path=(*treatment.path, *path),
                    hint=suggestion(name, context.environments, problems),
                )
            )


def check_source(draft: Draft, context: Context, problems: Problems) -> None:
    """Checks that only documents of connected repositories have treatments with `source`."""
    if context.no_source is None:
        return
    for treatment in draft.treatments.values():
        if treatment.body.get("source"):
            problems.add(
                DocumentProblem(
                    code=Code.NO_SOURCE,
                    severity=context.no_source,
                    message=f"The treatment {shown(treatment.name)} has `source`, which gives it the commit of a "
                    "connected repository: other runs have no commit.",
                    path=(*treatment.path, "source"),
                    hint="Connect the repository (cadence repository connect) and put this document into its folder "
                    ".cadence, run it from a git working tree (cadence run), or remove `source` and fetch the files in "
                    "`run`.",
                )
            )


def check_pools(draft: Draft, context: Context, problems: Problems) -> None:
    """Checks that every pool exists, and that one of a treatment's pools satisfies all its requirements."""
    if context.pools is None:
        return
    for index, message, hint in unknown_pools(draft.defaults, context.pools, problems, context.other_pools):
        problems.add_one(Code.UNKNOWN_POOL, message, ("defaults", "pools", index), hint)
    for body in draft.bodies():
        for index, message, hint in unknown_pools(body.body, context.pools, problems, context.other_pools):
            problems.add(body.problem(Code.UNKNOWN_POOL, message, ("pools", index), hint))
    for treatment in draft.treatments.values():
        lacking = not_offered(treatment.name, treatment.body, draft.defaults, context.pools)
        if lacking is not None:
            problems.add(
                treatment.problem(lacking.code, lacking.message, lacking.keys, lacking.hint, at_key=not lacking.keys)
            )
    problems.add_all(_kept_with_the_installation(draft, context.pools))


def _kept_with_the_installation(draft: Draft, pools: Mapping[str, PoolOffer]) -> Iterator[DocumentProblem]:
    """Yields one warning for the document if a pool in the place of a residency has no bucket of its own."""
    found: list[tuple[DraftTreatment, _Needs, str]] = []
    for treatment in draft.treatments.values():
        needs = _needs(treatment.body, draft.defaults)
        for name, offer in usable_pools(treatment.body, draft.defaults, pools).items():
            if needs.residency and _is_in_place(offer, needs) and not offer.has_bucket:
                found.append((treatment, needs, name))
                break
    for treatment, needs, pool in found[:1]:
        others = f" and of {len(found) - 1} more treatments with a residency" if len(found) > 1 else ""
        has_residency = "residency" in treatment.body
        yield treatment.problem(
            Code.RESIDENCY_KEPT,
            f"Values and log lines of {shown(treatment.name)}{others} may be kept where this installation is, and not in "
            f"{in_words(needs.residency)}: pool {shown(pool)} has no bucket of its own.",
            ("residency",) if has_residency else (),
            "Set `values.bucket` of the pool to a bucket that is there.",
            at_key=not has_residency,
            severity=Severity.WARNING,
        )


def unknown_pools(
    body: Mapping[str, Any],
    pools: Mapping[str, PoolOffer],
    findings_so_far: Sized,
    others: Collection[str] = (),
) -> Iterator[tuple[int, str, str | None]]:
    """Yields the index of each pool that a body names and the project does not have, with a message and a hint.

    `findings_so_far`: comparing names is slow, so that documents with many findings get no suggestions. `others` are
    pools that the caller may know of, though they are not given to the project.
    """
    for index, name in texts(body.get("pools")):
        if name in pools or "${{" in name:
            continue
        if name in others:
            hint = f"Give it: cadence pool give {name} --to PROJECT."
            yield index, f"The pool {shown(name)} is not given to the project.", hint
        else:
            yield index, f"The project has no pool {shown(name)}.", suggestion(name, pools, findings_so_far)


def not_offered(
    name: str, body: Mapping[str, Any], defaults: Mapping[str, Any], pools: Mapping[str, PoolOffer]
) -> NotOffered | None:
    """Returns the reason why no pool of a treatment satisfies all its requirements; None if one does."""
    if "trigger" in body:
        return None
    offers = usable_pools(body, defaults, pools)
    needs = _needs(body, defaults)
    if not offers or any(_satisfies(offer, needs) for offer in offers.values()):
        return None
    names = ", ".join(offers)
    subject = f"No pool of treatment {shown(name)} ({names})"
    if not any(_is_in_place(offer, needs) for offer in offers.values()):
        residencies = sorted({offer.residency for offer in offers.values() if offer.residency})
        return NotOffered(
            Code.RESIDENCY_NOT_OFFERED,
            f"{subject} is in {in_words(needs.residency)}.",
            ("residency",) if "residency" in body else (),
            f"They are in {', '.join(residencies)}."
            if residencies
            else "They have no residency: set `residency` of a pool.",
        )
    if not any(_has_architecture(offer, needs) for offer in offers.values()):
        offered = sorted({arch for offer in offers.values() for arch in offer.architectures or ()})
        return NotOffered(
            Code.ARCHITECTURE_NOT_OFFERED,
            f"{subject} has {needs.arch}.",
            ("arch",) if "arch" in body else (),
            f"They offer {', '.join(offered)}.",
        )
    if not any(_runs_image(offer, needs) for offer in offers.values()):
        return NotOffered(
            Code.IMAGE_NOT_OFFERED,
            f"{subject} can run images.",
            ("image",) if "image" in body else ("services",),
            "Use a pool whose runners have podman or docker, or leave the image out.",
        )
    return NotOffered(
        Code.POOL_TOO_SMALL,
        f"{subject} offers all it asks for: {_needs_text(needs)}.",
        (),
        "The largest runners there: " + "; ".join(_offer_text(pool, offer) for pool, offer in offers.items()),
    )


def usable_pools(
    body: Mapping[str, Any], defaults: Mapping[str, Any], pools: Mapping[str, PoolOffer]
) -> Mapping[str, PoolOffer]:
    """Returns the pools that a treatment may take runners from; none if its list of pools has expressions."""
    listed = [name for _, name in texts(body.get("pools", defaults.get("pools")))]
    if any("${{" in name for name in listed):
        return {}
    return {name: pools[name] for name in listed or pools if name in pools}


def _needs(body: Mapping[str, Any], defaults: Mapping[str, Any]) -> _Needs:
    sizes = tuple((kind, _whole(body.get(kind, defaults.get(kind)))) for kind in ("cpu", "memory", "storage"))
    arch = body.get("arch", defaults.get("arch"))
    return _Needs(
        arch if isinstance(arch, str) and "${{" not in arch else None,
        "image" in body or bool(body.get("services")),
        sizes,
        residency_of(body, defaults),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _satisfies(offer: PoolOffer, needs: _Needs) -> bool:
    limits = (offer.max_cpu, offer.max_memory, offer.max_storage)
    fits = all(
        needed is None or limit is None or needed <= limit
        for (_, needed), limit in zip(needs.sizes, limits, strict=True)
    )
    return fits and _is_in_place(offer, needs) and _has_architecture(offer, needs) and _runs_image(offer, needs)


def _is_in_place(offer: PoolOffer, needs: _Needs) -> bool:
    return not needs.residency or offer.residency in needs.residency


def _has_architecture(offer: PoolOffer, needs: _Needs) -> bool:
    return needs.arch is None or offer.architectures is None or needs.arch in offer.architectures


def _runs_image(offer: PoolOffer, needs: _Needs) -> bool:
    return not needs.image or offer.images is not False


def _needs_text(needs: _Needs) -> str:
    sizes = [f"{kind} {amount:,}" for kind, amount in needs.sizes if amount is not None]
    residency = [f"residency {in_words(needs.residency)}"] if needs.residency else []
    return ", ".join(
        [*sizes, *([needs.arch] if needs.arch else []), *(["an image"] if needs.image else []), *residency]
    )


def _offer_text(name: str, offer: PoolOffer) -> str:
    limits = (("cpu", offer.max_cpu), ("memory", offer.max_memory), ("storage", offer.max_storage))
    return f"{name} (" + ", ".join(f"{kind} {limit:,}" for kind, limit in limits if limit is not None) + ")"
