"""Plans a replay: one treatment as it was, and a stand-in for each producer with the values that it had sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cadence.domain.pipelines.image import parse_image
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, RetrySpec, TreatmentKind, TreatmentSpec
from cadence.domain.runs.edge import Trigger
from cadence.domain.runs.rerun_reuse import ReusedTreatments
from cadence.domain.runs.run import Treatment
from cadence.domain.runs.states import TreatmentState

# The ports that report only a producer's end. A replay's producers have all succeeded, so each becomes the first.
_ENDS = frozenset({Trigger.COMPLETED, Trigger.FAILED, Trigger.FINISHED})


@dataclass(frozen=True)
class How:
    """The conditions of a replay: `pools` replace those of the original, if any; `offline` is without any network.

    `image_digest` and `secret_versions` (by the secret's reference) are what the original had.
    """

    pools: tuple[str, ...] = ()
    offline: bool = False
    image_digest: str | None = None
    secret_versions: Mapping[str, int] | None = None


@dataclass(frozen=True)
class ReplayPlan:
    """The treatments of a replay. `kept` are the producers, by the run whose values they stand for."""

    specs: tuple[TreatmentSpec, ...]
    kept: ReusedTreatments


def refusal(spec: TreatmentSpec, treatment: Treatment) -> str | None:
    """Returns why a treatment cannot be replayed at all, in words; None if it can."""
    if spec.kind is TreatmentKind.TRIGGER:
        started = (spec.trigger.pipeline if spec.trigger else None) or "another pipeline"
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
    """Returns the (treatment, port) pairs whose values it reads, each once."""
    sources = [(port.source_treatment, port.source_port) for port in spec.inputs if _carries(port)]
    return tuple(dict.fromkeys((producer, port) for producer, port in sources if producer and port))


def replay_plan(spec: TreatmentSpec, original: Treatment, how: How) -> ReplayPlan:
    """Returns the treatment with the environment that `original` had, and stand-ins for its producers.

    The environment names the original run and attempt.
    """
    replayed = replace(
        spec,
        after=(),
        when=None,
        when_over=(),
        never=None,
        group=None,
        inputs=tuple(_from_kept(port) for port in spec.inputs),
        outputs=tuple(replace(output, grows=()) for output in spec.outputs),
        # The end is to be compared, so only attempts that did not end by themselves are repeated.
        retry=RetrySpec(infrastructure=spec.retry.infrastructure),
        image=_pinned(spec.image, how.image_digest),
        env={**spec.env, "CADENCE_RUN_ID": original.run_id, "CADENCE_ATTEMPT": str(original.attempt)},
        secret_versions=dict(how.secret_versions or {}),
        pools=how.pools or spec.pools,
        offline=how.offline,
    )
    producers: dict[str, dict[str, OutputSpec]] = {}
    for port in spec.inputs:
        if port.source_treatment:
            sent = producers.setdefault(port.source_treatment, {})
            if _carries(port) and port.source_port:
                sent[port.source_port] = OutputSpec(port=port.source_port, flow=port.flow, type=port.type)
    stand_ins = tuple(TreatmentSpec(name=name, outputs=tuple(sent.values())) for name, sent in producers.items())
    return _renamed((replayed, *stand_ins), original.run_id)


def name_in_replay(name: str) -> str:
    """Returns the name of a treatment in a replay.

    Names of treatments inside of an engine contain characters that names of scheduled treatments may not.
    """
    return name.replace("/", ".").replace("#", "-")


def _renamed(specs: tuple[TreatmentSpec, ...], run_id: str) -> ReplayPlan:
    first, *stand_ins = (
        replace(
            spec,
            name=name_in_replay(spec.name),
            inputs=tuple(
                replace(port, source_treatment=port.source_treatment and name_in_replay(port.source_treatment))
                for port in spec.inputs
            ),
        )
        for spec in specs
    )
    called = {name_in_replay(spec.name): spec.name for spec in specs[1:] if name_in_replay(spec.name) != spec.name}
    return ReplayPlan((first, *stand_ins), ReusedTreatments({spec.name: run_id for spec in stand_ins}, called=called))


def _carries(port: InputSpec) -> bool:
    return port.source_treatment is not None and port.type != "void" and port.source_port not in _ENDS


def _from_kept(port: InputSpec) -> InputSpec:
    if port.source_treatment is None or _carries(port):
        return port
    return replace(port, source_port=str(Trigger.COMPLETED), flow="block")


def _pinned(image: str | None, digest: str | None) -> str | None:
    """Returns the image with its earlier digest, if a registry has it: its tag may mean another image by now."""
    if image is None or digest is None:
        return image
    known = parse_image(image)
    return image if known.digest or known.is_local else str(known.pinned(digest))


def _listed(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
