"""Compares two runs, and finds the run that a failed one is best compared with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cadence.application.runs.run_details import ReadRunDetails, RunDetails, find_runner
from cadence.application.runs.visible_runs import VisibleRuns
from cadence.application.shared.value_ports import Chunks
from cadence.domain.access.access import Principal
from cadence.domain.pipelines.specification import OutputSpec, TreatmentSpec
from cadence.domain.replay.contrast import Contrast
from cadence.domain.replay.planning import name_in_replay
from cadence.domain.replay.run_diff import RunDiff, TreatmentDiff, run_diff, unequal_results
from cadence.domain.replay.run_sides import PortDiff, RunSide
from cadence.domain.replay.tree_diff import TreeDiff, first_place, is_tree, tree_diff
from cadence.domain.replay.verdict import OutputContrast, contrasted
from cadence.domain.runners.runner import Runner
from cadence.domain.runs.run import Run, Value
from cadence.domain.runs.run_filter import RunFilter
from cadence.domain.runs.run_variables import run_variables
from cadence.domain.runs.states import RunState
from cadence.domain.runs.stored_input import stored_value
from cadence.domain.shared.errors import NotFound

LONGEST_READ = 4 * 1024 * 1024
LONGEST_TREE = 64 * 1024 * 1024
# Instances made for elements are in no plan: each specification is read by itself.
MOST_SPECS = 100
_PER_PAGE = 20
_MOST_PAGES = 5


@dataclass(frozen=True, kw_only=True)
class RunsComparison:
    """The comparison of two runs.

    `runners` are those of the divergence, then and now. `content` is where what it read or sent differs first, and
    `files` which files differ if that is a tree of files; None where nothing was read of it.
    """

    then: Run
    now: Run
    diff: RunDiff
    runners: tuple[Runner | None, Runner | None] = (None, None)
    content: OutputContrast | None = None
    files: TreeDiff | None = None


@dataclass(frozen=True, kw_only=True)
class DiffRuns:
    """Compares runs."""

    look: ReadRunDetails
    visible: VisibleRuns
    chunks: Chunks

    def compare(self, then: Run, now: Run, *, reads_values: bool) -> RunsComparison:
        """Returns the comparison; with `reads_values` also where the first content differs.

        Of a replay and its original only the treatment that was replayed is compared.
        """
        sides = self._sides(self.look.read(then), self.look.read(now))
        diff = run_diff(*sides)
        if diff.divergence is None:
            return RunsComparison(then=then, now=now, diff=diff)
        runners = self.look.runners
        content, files = self._content(sides, diff.divergence) if reads_values else (None, None)
        return RunsComparison(
            then=then,
            now=now,
            diff=diff,
            runners=(find_runner(runners, diff.divergence.then), find_runner(runners, diff.divergence.now)),
            content=content,
            files=files,
        )

    def last_passed(self, principal: Principal, run: Run) -> Run | None:
        """Returns the newest run of the same pipeline that succeeded before `run`, as far as the principal sees it."""
        wanted = RunFilter(state=RunState.SUCCEEDED, pipeline=run.pipeline)
        after: str | None = run.position
        for _ in range(_MOST_PAGES):
            page = self.visible.page(principal, _PER_PAGE, after, run.project, wanted)
            for earlier in page.items:
                if earlier.replay_of is None:
                    return earlier
            after = page.after
            if after is None:
                return None
        return None

    def _sides(self, then: RunDetails, now: RunDetails) -> tuple[RunSide, RunSide]:
        if now.run.replay_of and now.run.replay_of.run_id == then.run.run_id:
            return _of_replay(then, now)
        if then.run.replay_of and then.run.replay_of.run_id == now.run.run_id:
            original, repeated = _of_replay(now, then)
            return repeated, original
        sides = _side(then, then.specs), _side(now, now.specs)
        unplanned = [name for name in unequal_results(*sides) if not (name in then.specs and name in now.specs)]
        then_specs, now_specs = (_with_specs(run, unplanned[:MOST_SPECS]) for run in (then, now))
        return replace(sides[0], specs=then_specs), replace(sides[1], specs=now_specs)

    def _content(
        self, sides: tuple[RunSide, RunSide], divergence: TreatmentDiff
    ) -> tuple[OutputContrast | None, TreeDiff | None]:
        """Compares the content of the first input that differs, else of the first output."""
        for port in (*divergence.inputs, *divergence.outputs):
            if port in divergence.inputs:
                names = divergence.name, port.port
                values = _input(sides[0], *names, port.then_source), _input(sides[1], *names, port.now_source)
            else:
                key = divergence.name, port.port
                values = sides[0].values.get(key), sides[1].values.get(key)
            if values[0] is not None and values[1] is not None and port.known:
                return self._contrast(port, values[0], values[1])
        return None, None

    def _contrast(self, port: PortDiff, then: Value, now: Value) -> tuple[OutputContrast, TreeDiff | None]:
        spec = OutputSpec(port=port.port, flow=now.flow, type=now.type)
        restricted = next((value.retention for value in (then, now) if value.retention), None)
        if restricted:
            note = f"the content is not read here: {restricted.reason}"
            return OutputContrast(port=spec, then=port.then, now=port.now, note=note), None
        try:
            if now.type == "byte" and is_tree(self._read(then)) and is_tree(self._read(now)):
                return self._trees(spec, port, then, now)
            return contrasted(spec, (port.then, port.now), (self._read(then), self._read(now)), LONGEST_READ), None
        except NotFound:
            note = "the content is no longer kept"
            return OutputContrast(port=spec, then=port.then, now=port.now, note=note), None

    def _trees(self, spec: OutputSpec, port: PortDiff, then: Value, now: Value) -> tuple[OutputContrast, TreeDiff]:
        """Compares two trees of files, in any order, and the first changed file of both."""
        files = tree_diff(self._read(then), self._read(now), LONGEST_TREE)
        name = next(iter(files.changed), None)
        first = first_place(name, self._read(then), self._read(now), LONGEST_TREE) if name else None
        note = None if files.whole else f"only the first {LONGEST_TREE >> 20} MiB of each tree were compared"
        if files.whole and not any(files.counts.values()):
            note = "both trees have the same files, packed differently"
        contrast = Contrast(first) if first else None
        return OutputContrast(port=spec, then=port.then, now=port.now, contrast=contrast, note=note), files

    def _read(self, value: Value) -> Iterator[bytes]:
        yield from self.chunks.read_whole(value.chunk_keys)


def _side(run: RunDetails, specs: Mapping[str, TreatmentSpec]) -> RunSide:
    return RunSide(specs=specs, treatments=run.treatments, values=run.values, variables=run_variables(run.run))


def _with_specs(run: RunDetails, names: list[str]) -> Mapping[str, TreatmentSpec]:
    found = dict(run.specs)
    for name in names:
        try:
            found[name] = run.spec(name)
        except NotFound:
            continue
    return found


def _of_replay(original: RunDetails, repeated: RunDetails) -> tuple[RunSide, RunSide]:
    """Returns the sides of the replayed treatment. Its definition is the same but for what names the run itself."""
    assert repeated.run.replay_of is not None
    name = repeated.run.replay_of.treatment
    called = name_in_replay(name)
    specs = {called: spec} if (spec := repeated.specs.get(called)) else {}
    values = {(name_in_replay(treatment), port): value for (treatment, port), value in original.values.items()}
    then = {called: original.treatments[name]} if name in original.treatments else {}
    now = {called: repeated.treatments[called]} if called in repeated.treatments else {}
    return (
        RunSide(specs=specs, treatments=then, values=values),
        RunSide(specs=specs, treatments=now, values=repeated.values),
    )


def _input(side: RunSide, treatment: str, port: str, source: str | None) -> Value | None:
    """Returns the value that an input read from a treatment, or that was stored for it, as files of a commit are."""
    if source:
        producer, _, output = source.rpartition(".")
        return side.values.get((producer, output))
    inputs = side.specs[treatment].inputs if treatment in side.specs else ()
    return next(
        (stored_value("", treatment, one, one.stored) for one in inputs if one.port == port and one.stored), None
    )
