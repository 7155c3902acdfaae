"""Two runs compared, as a pure function: over random graphs, and case by case."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.specification import InputSpec, OutputSpec, StoredContent, TreatmentSpec
from cadence.domain.replay.run_diff import DiffStanding, RunDiff, run_diff
from cadence.domain.replay.run_sides import RunSide
from cadence.domain.runs.run import Treatment, Value
from cadence.domain.runs.run_variables import run_variables, used_variables
from cadence.domain.runs.states import TreatmentState
from cadence.domain.values.value_retention import ValueCapture, ValueRetention
from runner_bootstrap.agent.assignments.assignment import _commit_variables
from tests.fakes.runs import a_run

S = TreatmentState
OUT = (OutputSpec(port="out", flow="block", type="string"),)


@dataclass(kw_only=True)
class Built:
    """A run that is executed in mind: each treatment sends a digest of its script, its inputs and its `luck`."""

    specs: dict[str, TreatmentSpec]
    luck: Mapping[str, str] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)

    def side(self) -> RunSide:
        states: dict[str, Treatment] = {}
        values: dict[tuple[str, str], Value] = {}
        for name, spec in self.specs.items():  # in an order in which producers are first
            sources = [port.source_treatment for port in spec.inputs if port.source_treatment]
            reads = [values[source, "out"].sha256 for source in sources if (source, "out") in values]
            reads += [port.literal or "" for port in spec.inputs if port.literal]
            state = S.SKIPPED if len(reads) < len(spec.inputs) else S.FAILED if name in self.fails else S.SUCCEEDED
            code = {S.SKIPPED: None, S.FAILED: 1}.get(state, 0)
            states[name] = Treatment(run_id="r", name=name, state=state, waiting=0, exit_code=code)
            if state is S.SUCCEEDED:
                values[name, "out"] = sent(name, "|".join([name, spec.run, *reads, self.luck.get(name, "")]))
        return RunSide(specs=self.specs, treatments=states, values=values, variables=self.variables)


def sent(treatment: str, text: str) -> Value:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Value(
        run_id="r", treatment=treatment, port="out", flow="block", type="string", sha256=digest, size=9, chunks=1, attempt=1
    )  # fmt: skip


def treatment(name: str, *sources: str, run: str = "x", **fields: object) -> TreatmentSpec:
    inputs = tuple(
        InputSpec(port=f"in{number}", flow="block", type="string", source_treatment=source, source_port="out")
        for number, source in enumerate(sources)
    )
    return TreatmentSpec(name=name, run=run, outputs=OUT, **{"inputs": inputs, **fields})  # type: ignore[arg-type]


def named(*specs: TreatmentSpec) -> dict[str, TreatmentSpec]:
    return {spec.name: spec for spec in specs}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, TreatmentSpec]:
    count = draw(st.integers(1, 8))
    specs = []
    for number in range(count):
        earlier = [f"t{other}" for other in range(number)]
        sources = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        specs.append(treatment(f"t{number}", *sources))
    return named(*specs)


def compared(then: Built, now: Built) -> RunDiff:
    return run_diff(then.side(), now.side())


def standings(diff: RunDiff) -> dict[str, str]:
    return {one.name: str(one.standing) for one in diff.treatments}


@given(graphs())
def test_a_run_has_no_difference_from_itself(specs: dict[str, TreatmentSpec]) -> None:
    diff = compared(Built(specs=specs), Built(specs=specs))
    assert (diff.divergence, diff.ending, diff.only_then, diff.only_now) == (None, None, (), ())
    assert diff.count(DiffStanding.SAME) == len(specs)


@given(graphs(), st.data())
def test_the_one_that_had_other_luck_is_the_divergence(specs: dict[str, TreatmentSpec], data: st.DataObject) -> None:
    unlucky = data.draw(st.sampled_from(sorted(specs)))
    diff = compared(Built(specs=specs), Built(specs=specs, luck={unlucky: "!"}))
    assert diff.divergence is not None and diff.divergence.name == unlucky
    assert (diff.divergence.inputs, diff.divergence.changes) == ((), ())
    below = {name for name in specs if unlucky in _ancestors(specs, name)}
    assert {name for name, standing in standings(diff).items() if standing == "follows"} == below


@given(graphs(), st.data())
def test_of_several_the_first_in_the_graph_is_named(specs: dict[str, TreatmentSpec], data: st.DataObject) -> None:
    unlucky = data.draw(st.sets(st.sampled_from(sorted(specs)), min_size=1))
    fails = frozenset(data.draw(st.sets(st.sampled_from(sorted(specs)))))
    then, now = Built(specs=specs), Built(specs=specs, luck=dict.fromkeys(unlucky, "!"), fails=fails)
    diff = compared(then, now)
    assert diff.divergence is not None
    order = [one.name for one in diff.treatments]
    assert sorted(order) == sorted(specs)
    assert all(order.index(source) < order.index(name) for name in specs for source in _ancestors(specs, name))
    differing = [one.name for one in diff.treatments if one.standing is not DiffStanding.SAME]
    assert not _ancestors(specs, diff.divergence.name) & set(differing)
    assert diff.divergence.name in unlucky | fails
    other_way = compared(now, then)
    assert other_way.divergence is not None and other_way.divergence.name == diff.divergence.name
    assert standings(other_way) == standings(diff)


def test_the_input_that_changed_is_named() -> None:
    def read(text: str) -> Built:
        inputs = (InputSpec(port="table", flow="block", type="string", literal=text),)
        return Built(specs=named(treatment("load", inputs=inputs), treatment("sum", "load")))

    diff = compared(read("1"), read("2"))
    assert diff.divergence is not None
    assert diff.divergence.words() == "load: input table changed, and output out differs."
    assert standings(diff) == {"load": "differs", "sum": "follows"}


def test_other_files_of_the_commit_are_an_input() -> None:
    def at(digest: str) -> Built:
        stored = StoredContent(prefix="p/", size=5, sha256=digest, chunks=1)
        inputs = (InputSpec(port="source-tree", flow="stream", type="byte", stored=stored, literal=digest),)
        return Built(specs=named(treatment("build", inputs=inputs)))

    diff = compared(at("a" * 64), at("b" * 64))
    assert diff.divergence is not None and [port.port for port in diff.divergence.inputs] == ["source-tree"]


def test_a_script_that_changed_and_one_whose_change_has_no_effect() -> None:
    then = Built(specs=named(treatment("a", run="one"), treatment("b")))
    diff = compared(then, Built(specs=named(treatment("a", run="two"), treatment("b", cpu=500))))
    assert diff.words() == "a: its definition (run) changed, and output out differs."
    assert standings(diff) == {"a": "differs", "b": "same"}
    assert diff.treatments[1].words() == "b: its definition (cpu) changed, its results did not."


def test_a_parameter_counts_for_those_that_read_it() -> None:
    def with_who(who: str) -> Built:
        specs = named(treatment("greet", run='echo "$CADENCE_PARAM_who"'), treatment("other"))
        return Built(specs=specs, luck={"greet": who}, variables={"CADENCE_PARAM_who": who})

    diff = compared(with_who("ada"), with_who("bob"))
    assert diff.words() == "greet: $CADENCE_PARAM_who changed, and output out differs."
    assert diff.treatments[1].variables == ()


def test_the_end_is_told_where_only_that_differs() -> None:
    specs = named(treatment("a"), treatment("b", "a"), treatment("c", "b"))
    diff = compared(Built(specs=specs), Built(specs=specs, fails=frozenset({"b"})))
    assert diff.words() == "b: its inputs are equal, but it succeeded then, and failed with exit code 1 now."
    assert standings(diff) == {"a": "same", "b": "differs", "c": "follows"}
    assert diff.ending is diff.divergence


def test_the_first_that_ended_otherwise_may_come_later_than_the_divergence() -> None:
    specs = named(treatment("a"), treatment("b", "a"))
    diff = compared(Built(specs=specs), Built(specs=specs, luck={"a": "!"}, fails=frozenset({"b"})))
    assert diff.divergence is not None and diff.divergence.name == "a"
    assert diff.ending is not None and diff.ending.name == "b"


def test_one_that_was_cancelled_precedes_none_that_failed() -> None:
    specs = named(treatment("a"), treatment("z"))
    now = Built(specs=specs, fails=frozenset({"z"})).side()
    cancelled = {**now.treatments, "a": replace(now.treatments["a"], state=S.CANCELLED, exit_code=None)}
    diff = run_diff(Built(specs=specs).side(), replace(now, treatments=cancelled))
    assert standings(diff) == {"a": "stopped", "z": "differs"}
    assert diff.divergence is not None and diff.divergence.name == "z"


def test_what_only_one_run_has() -> None:
    then = Built(specs=named(treatment("a"), treatment("old")))
    diff = compared(then, Built(specs=named(treatment("a"), treatment("new"))))
    assert (diff.divergence, diff.only_then, diff.only_now) == (None, ("old",), ("new",))
    assert compared(then, Built(specs={})).words() == "The runs have no treatment in common."


def test_a_run_that_goes_on_is_no_difference() -> None:
    specs = named(treatment("a"), treatment("b"))
    side = Built(specs=specs).side()
    running = {**side.treatments, "b": replace(side.treatments["b"], state=S.RUNNING, exit_code=None)}
    diff = run_diff(side, replace(side, treatments=running))
    assert diff.words() == "No difference so far: 1 of 2 treatments have not ended in both runs."


def test_without_digests_nothing_is_claimed() -> None:
    secret = ValueRetention("eu", ValueCapture.NONE)
    side = Built(specs=named(treatment("a"))).side()
    kept = {port: replace(value, retention=secret) for port, value in side.values.items()}
    without = replace(side, values=kept)
    diff = run_diff(without, without)
    assert standings(diff) == {"a": "unknown"}
    assert diff.divergence is not None and "cannot be compared" in diff.words()
    longer = {port: replace(value, size=10) for port, value in kept.items()}
    assert standings(run_diff(without, replace(without, values=longer))) == {"a": "differs"}


def test_an_instance_explains_its_group() -> None:
    instances = ("g:0", "g:1")
    specs = named(*(treatment(name, group="g") for name in instances), treatment("g", instances=instances))
    diff = compared(Built(specs=specs), Built(specs=specs, luck={"g:1": "!", "g": "!"}))
    assert standings(diff) == {"g": "follows", "g:0": "same", "g:1": "differs"}


def test_variables_are_those_that_the_agent_sets() -> None:
    run = replace(a_run(), parameters={"who-ever": 1}, event={"kind": "push", "commit": "abc", "paths": ["x"]})
    assert run_variables(run) == {
        "CADENCE_COMMIT": "abc",
        "CADENCE_EVENT_COMMIT": "abc",
        "CADENCE_EVENT_KIND": "push",
        "CADENCE_PARAM_who_ever": "1",
    }
    event = {name: name for name in ("repository", "branch", "tag", "commit", "number", "base_branch", "base_commit")}
    named_by_agent = _commit_variables({"kind": "pull_request", **event})
    assert named_by_agent.items() <= run_variables(replace(run, event=event)).items()
    spec = treatment("a", run="echo ${CADENCE_COMMIT} $CADENCE_COMMITTER")
    assert used_variables(spec, run_variables(run)) == ("CADENCE_COMMIT",)


def _ancestors(specs: Mapping[str, TreatmentSpec], name: str) -> set[str]:
    sources = {port.source_treatment for port in specs[name].inputs if port.source_treatment}
    return sources.union(*(_ancestors(specs, source) for source in sources))
