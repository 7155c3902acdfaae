"""What a replay runs: one treatment as it was, and in place of each producer what that had sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cadence.domain.pipelines.image import parse_image
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, RetrySpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.rerun_reuse import ReusedTreatments
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

# What says only that a producer ended, or how. A replay's producers have all succeeded, so each becomes the first.
_ENDS = frozenset({Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED})


@dataclass(frozen=True)
class How:
    """`pools` instead of those of then, if any; `offline` without any network; `image_digest` and `secret_versions` (by the
    secret's name) are what the original had."""

    pools: tuple[str, ...] = ()
    offline: bool = False
    image_digest: str | None = None
    secret_versions: Mapping[str, int] | None = None


@dataclass(frozen=True)
class ReplayPlan:
    """`kept` are the producers, by the run whose values they stand for."""

    specs: tuple[TreatmentSpec, ...]
    kept: ReusedTreatments


def refusal(spec: TreatmentSpec, treatment: Treatment) -> str | None:
    """Why a treatment cannot be replayed at all, in words; None if it can."""
    if spec.kind is TreatmentKind.TRIGGER:
        started = spec.trigger.pipeline if spec.trigger else "another pipeline"
        return f"{spec.name} starts a run of {started}: replay a treatment of that run instead."
    if spec.kind is TreatmentKind.EACH:
        return f"{spec.name} is a group: replay one of its instances, as {spec.name}:0."
    if spec.kind is TreatmentKind.GATHER:
        return f"{spec.name} is a group: replay one of its instances: {_listed(spec.instances)}."
    if not treatment.state.final:
        return f"{spec.name} is {treatment.state}: it can be replayed once it has ended."
    if treatment.state is TreatmentState.SKIPPED or treatment.started_at is None:
        return f"{spec.name} never ran ({treatment.cause or treatment.state}): there is nothing to replay."
    return None


def wanted(spec: TreatmentSpec) -> tuple[tuple[str, str], ...]:
    """The (treatment, port) whose values it reads, each once."""
    found = [(given.source_treatment, given.source_port) for given in spec.inputs if _carries(given)]
    return tuple(dict.fromkeys((producer, port) for producer, port in found if producer and port))


def replay_plan(spec: TreatmentSpec, original: Treatment, how: How) -> ReplayPlan:
    """The treatment with the environment that `original` had, which names the original run and attempt."""
    frozen = replace(
        spec,
        after=(),
        when=None,
        when_over=(),
        never=None,
        group=None,
        inputs=tuple(_from_kept(given) for given in spec.inputs),
        outputs=tuple(replace(port, grows=()) for port in spec.outputs),
        # What it ends with is to be compared, so only what is no end of its own is tried again.
        retry=RetrySpec(infrastructure=spec.retry.infrastructure),
        image=_pinned(spec.image, how.image_digest),
        env={**spec.env, "CADENCE_RUN_ID": original.run_id, "CADENCE_ATTEMPT": str(original.attempt)},
        secret_versions=dict(how.secret_versions or {}),
        pools=how.pools or spec.pools,
        offline=how.offline,
    )
    producers: dict[str, dict[str, OutputSpec]] = {}
    for given in spec.inputs:
        if given.source_treatment:
            sent = producers.setdefault(given.source_treatment, {})
            if _carries(given) and given.source_port:
                sent[given.source_port] = OutputSpec(port=given.source_port, flow=given.flow, type=given.type)
    stands = tuple(TreatmentSpec(name=name, outputs=tuple(sent.values())) for name, sent in producers.items())
    return _called_otherwise((frozen, *stands), original.run_id)


def name_in_replay(name: str) -> str:
    """What a treatment is called there. Those inside of an engine have names that nothing that is scheduled has."""
    return name.replace("/", ".").replace("#", "-")


def _called_otherwise(specs: tuple[TreatmentSpec, ...], run_id: str) -> ReplayPlan:
    first, *stands = (
        replace(
            spec,
            name=name_in_replay(spec.name),
            inputs=tuple(
                replace(given, source_treatment=given.source_treatment and name_in_replay(given.source_treatment))
                for given in spec.inputs
            ),
        )
        for spec in specs
    )
    called = {name_in_replay(spec.name): spec.name for spec in specs[1:] if name_in_replay(spec.name) != spec.name}
    return ReplayPlan((first, *stands), ReusedTreatments({spec.name: run_id for spec in stands}, called=called))


def _carries(given: InputSpec) -> bool:
    return given.source_treatment is not None and given.type != "void" and given.source_port not in _ENDS


def _from_kept(given: InputSpec) -> InputSpec:
    if given.source_treatment is None or _carries(given):
        return given
    return replace(given, source_port=str(Trigger.COMPLETED), flow="block")


def _pinned(image: str | None, digest: str | None) -> str | None:
    """With the digest that it had, if some registry can be asked for that: its tag may mean another by now."""
    if image is None or digest is None:
        return image
    known = parse_image(image)
    return image if known.digest or known.is_local else str(known.pinned(digest))


def _listed(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
