"""Shapes of the comparison of two runs."""

from datetime import datetime

from pydantic import Field

from api.endpoint import Model
from api.routes.replay.replay_shapes import PlaceView
from api.routes.runs.runs import RunView
from cadence.application.replay.diff_runs import RunsComparison
from cadence.domain.replay.run_diff import DiffStanding, TreatmentDiff
from cadence.domain.replay.run_sides import PortDiff
from cadence.domain.replay.tree_diff import TreeDiff
from cadence.domain.replay.verdict import OutputContrast, OutputDigest
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.run_variables import run_variables

MOST_LISTED = 500
_MOST_DURATIONS = 10
_LONGEST_TEXT = 500


class ChangedFactView(Model):
    """A fact of the two runs that differs; null where a run has none."""

    name: str = Field(description="`pipeline`, `version`, `document`, `commit`, `branch`, or an environment variable.")
    then: str | None
    now: str | None


class DigestView(Model):
    sha256: str | None = Field(description="Null where a pool lets no digest stay.")
    size: int


class PortDiffView(Model):
    """A port whose content differs, or may differ."""

    port: str
    then: DigestView | None
    now: DigestView | None
    then_source: str | None = Field(description="The output that fed the input, as `treatment.port`.")
    now_source: str | None
    known: bool = Field(description="False if it is not known whether the content differs.")


class DiffSideView(Model):
    """A treatment in one of the two runs."""

    state: str
    attempt: int
    exit_code: int | None
    cause: str | None
    kept_from: str | None
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(description="How long it ran; null until it has ended.")


class TreatmentDiffView(Model):
    """`definition` names what differs in its specification, `variables` those that it reads and that differ."""

    name: str
    standing: str = Field(description="`same`, `differs`, `follows`, `stopped`, `unknown` or `open`.")
    words: str
    then: DiffSideView
    now: DiffSideView
    inputs: list[PortDiffView]
    outputs: list[PortDiffView]
    definition: list[str]
    variables: list[str]


class FilesDiffView(Model):
    """The files that differ between two trees (tar archives); at most 100 names of each kind."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    counts: dict[str, int] = Field(description="How many there are: `added`, `removed`, `changed`.")
    whole: bool = Field(description="False if the trees are too large to be read to their ends.")


class DiffContentView(Model):
    """Where the first content that differs does so; only with `values:read` in both runs."""

    port: str
    first_difference: PlaceView | None
    note: str | None = Field(description="Why no place is given.")
    files: FilesDiffView | None = Field(description="Where both contents are trees of files.")


class DiffRunnerView(Model):
    """Where the first treatment that differs ran."""

    pool: str
    host: str | None
    image_digest: str | None


class DurationDiffView(Model):
    """Seconds that a treatment ran."""

    name: str
    then: float
    now: float


class RunDiffView(Model):
    """Two runs: `then` is the one in front, `now` the other."""

    words: str = Field(description="The result in one sentence.")
    replay: bool = Field(description="One is a replay of a treatment of the other; only that treatment is compared.")
    then: RunView
    now: RunView
    changed: list[ChangedFactView]
    divergence: TreatmentDiffView | None = Field(
        description="The first treatment, each after those that it depends on, that differs although nothing sent to it explains it."
    )
    ended_otherwise: str | None = Field(description="The first treatment that ended otherwise.")
    content: DiffContentView | None
    runners: list[DiffRunnerView | None] = Field(description="Of the divergence: then and now.")
    counts: dict[str, int] = Field(description="Treatments of both runs, by `standing`.")
    treatments: list[TreatmentDiffView] = Field(description="At most 500 that differ or were changed, in order.")
    more: int = Field(description="How many treatments that differ are not listed.")
    only_then: list[str] = Field(description="At most 500 treatments that only the first run has.")
    only_now: list[str] = Field(description="At most 500 treatments that only the other run has.")
    durations: list[DurationDiffView] = Field(description="The ten whose times differ most.")


class LastPassedView(Model):
    run_id: str | None = Field(description="Null if no earlier run of the pipeline has succeeded.")


def run_diff_view(comparison: RunsComparison) -> RunDiffView:
    diff = comparison.diff
    listed = [one for one in diff.treatments if one.standing is not DiffStanding.SAME or one.changes]
    origins = [run.replay_of.run_id for run in (comparison.then, comparison.now) if run.replay_of]
    return RunDiffView(
        words=diff.words(),
        replay=bool({comparison.then.run_id, comparison.now.run_id}.intersection(origins)),
        then=RunView.model_validate(comparison.then),
        now=RunView.model_validate(comparison.now),
        changed=_changed(comparison.then, comparison.now),
        divergence=_treatment(diff.divergence) if diff.divergence else None,
        ended_otherwise=diff.ending.name if diff.ending else None,
        content=_content(comparison.content, comparison.files) if comparison.content else None,
        runners=[_runner(runner) for runner in comparison.runners],
        counts={str(standing): count for standing in DiffStanding if (count := diff.count(standing))},
        treatments=[_treatment(one) for one in listed[:MOST_LISTED]],
        more=max(0, len(listed) - MOST_LISTED),
        only_then=list(diff.only_then[:MOST_LISTED]),
        only_now=list(diff.only_now[:MOST_LISTED]),
        durations=_durations(diff.treatments),
    )


def _changed(then: Run, now: Run) -> list[ChangedFactView]:
    facts = [
        ("pipeline", then.pipeline, now.pipeline),
        ("version", then.pipeline_version, now.pipeline_version),
        ("document", then.document_sha256, now.document_sha256),
        ("commit", then.commit, now.commit),
        ("branch", then.branch, now.branch),
    ]
    before, after = run_variables(then), run_variables(now)
    known = {"CADENCE_COMMIT", "CADENCE_BRANCH"}
    facts += [
        (name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if name not in known and not name.startswith("CADENCE_EVENT_")
    ]
    return [
        ChangedFactView(name=name, then=_fact(left), now=_fact(right)) for name, left, right in facts if left != right
    ]


def _fact(value: str | int | None) -> str | None:
    return None if value is None else str(value)[:_LONGEST_TEXT]


def _treatment(diff: TreatmentDiff) -> TreatmentDiffView:
    return TreatmentDiffView(
        name=diff.name,
        standing=str(diff.standing),
        words=diff.words(),
        then=_side(diff.then),
        now=_side(diff.now),
        inputs=[_port(port) for port in diff.inputs],
        outputs=[_port(port) for port in diff.outputs],
        definition=list(diff.definition),
        variables=list(diff.variables),
    )


def _side(treatment: Treatment) -> DiffSideView:
    return DiffSideView(
        state=str(treatment.state),
        attempt=treatment.attempt,
        exit_code=treatment.exit_code,
        cause=treatment.cause[:_LONGEST_TEXT] if treatment.cause else None,
        kept_from=treatment.kept_from,
        started_at=treatment.started_at,
        finished_at=treatment.finished_at,
        seconds=_seconds(treatment),
    )


def _seconds(treatment: Treatment) -> float | None:
    if treatment.started_at is None or treatment.finished_at is None:
        return None
    return (treatment.finished_at - treatment.started_at).total_seconds()


def _port(port: PortDiff) -> PortDiffView:
    return PortDiffView(
        port=port.port,
        then=_sent(port.then),
        now=_sent(port.now),
        then_source=port.then_source,
        now_source=port.now_source,
        known=port.known,
    )


def _sent(digest: OutputDigest | None) -> DigestView | None:
    return DigestView(sha256=digest.sha256 or None, size=digest.size) if digest else None


def _content(contrast: OutputContrast, files: TreeDiff | None) -> DiffContentView:
    first = contrast.contrast.first if contrast.contrast else None
    return DiffContentView(
        port=contrast.port.port,
        first_difference=PlaceView.model_validate(first) if first else None,
        note=contrast.note,
        files=FilesDiffView.model_validate(files) if files else None,
    )


def _runner(runner: Runner | None) -> DiffRunnerView | None:
    if runner is None:
        return None
    host = runner.facts.get("hostname")
    return DiffRunnerView(pool=runner.pool, host=str(host) if host else None, image_digest=runner.image_digest)


def _durations(treatments: tuple[TreatmentDiff, ...]) -> list[DurationDiffView]:
    timed = [
        DurationDiffView(name=one.name, then=then, now=now)
        for one in treatments
        if (then := _seconds(one.then)) is not None and (now := _seconds(one.now)) is not None
    ]
    return sorted(timed, key=lambda one: (-abs(one.now - one.then), one.name))[:_MOST_DURATIONS]
