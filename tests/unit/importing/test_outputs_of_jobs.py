"""Outputs of other jobs in conditions and matrices of GitHub Actions, and the JSON in them."""

import json
from typing import Any

import pytest
import yaml

from cadence.domain.pipelines.expression import Evaluator, ExpressionError
from cadence.importing import Imported, SourceFormat, convert
from cadence.importing.github.cel import TranslationScope, condition
from cadence.importing.github.expressions import GitHubExpressionError

SCOPE = TranslationScope(
    needs={"plan": "plan-it"},
    states=True,
    outputs={"plan": {"docs": "docs", "found": "found_1"}},
    parameters={"p": "p"},
)
FOUND = {"kind": "bug", "n": 3, "flag": False, "files": ["a", "b"], "by": {"name": "ada"}, "empty": "", "a-b": 1}


def answer(text: str, docs: str = "true", found: Any = FOUND, **parameters: str) -> bool:
    cel = condition(text, SCOPE).cel
    outputs = {"docs": docs, "found_1": json.dumps(found)}
    names = {"treatments": {"plan-it": {"state": "succeeded", "outputs": outputs}}, "parameters": parameters}
    value = Evaluator(names).value(f"${{{{ {cel} }}}}")
    assert isinstance(value, bool)
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("needs.plan.outputs.docs == 'true'", True),
        ("needs.plan.outputs.docs != 'true'", False),
        ("'true' == needs.plan.outputs.docs", True),
        ("needs.plan.outputs.docs", True),
        ("!needs.plan.outputs.docs", False),
        ("startsWith(needs.plan.outputs.docs, 'tr')", True),
        ("always() && needs.plan.outputs.docs == 'true'", True),
        ("fromJSON(needs.plan.outputs.docs)", True),
        ("fromJSON(needs.plan.outputs.docs) == true", True),
        ("fromJSON(needs.plan.outputs.found).kind == 'bug'", True),
        ("fromJSON(needs.plan.outputs.found)['kind'] != 'bug'", False),
        ("fromJSON(needs.plan.outputs.found).n == 3", True),
        ("fromJSON(needs.plan.outputs.found).n == '3'", True),
        ("fromJSON(needs.plan.outputs.found).n > 2", True),
        ("fromJSON(needs.plan.outputs.found).flag == false", True),
        ("!fromJSON(needs.plan.outputs.found).flag", True),
        ("fromJSON(needs.plan.outputs.found).by.name == 'ada'", True),
        ("fromJSON(needs.plan.outputs.found).by.age", False),
        ("fromJSON(needs.plan.outputs.found).missing == ''", True),
        ("fromJSON(needs.plan.outputs.found).missing != null", False),
        ("fromJSON(needs.plan.outputs.found).files[1] == 'b'", True),
        ("fromJSON(needs.plan.outputs.found).files[2] == null", True),
        ("fromJSON(needs.plan.outputs.found)['a-b'] == 1", True),
        ("fromJSON(needs.plan.outputs.found).empty", False),
        ("contains(fromJSON(needs.plan.outputs.found).files, 'a')", True),
        ("contains(toJSON(fromJSON(needs.plan.outputs.found).by), 'ada')", True),
        ("fromJSON('{\"x\": [1, 2]}').x[0] == 1", True),
        ("fromJSON('{\"x\": \"y\"}')[inputs.p] == 'y'", True),
        ("fromJSON('[1, 2]')[0] == 1", True),
        ("fromJSON('3') == 3", True),
        ("fromJSON('true')", True),
        ("(needs.plan.outputs.docs || 'none') == 'true'", True),
    ],
)
def test_a_condition_over_outputs_means_the_same(text: str, expected: bool) -> None:
    assert answer(text, p="x") is expected


def test_a_text_that_is_not_json_is_an_error_and_no_answer() -> None:
    with pytest.raises(ExpressionError, match="is not JSON"):
        answer("fromJSON(needs.plan.outputs.docs).x == 'y'", docs="")


@pytest.mark.parametrize(
    "text",
    [
        "needs.plan.outputs.other == 'x'",
        "needs.other.outputs.docs == 'x'",
        "needs.plan.outputs.docs == true",
        "needs.plan.outputs.docs > 3",
        "toJSON(needs) == ''",
        "fromJSON(needs.plan.outputs.found).*.x",
        "fromJSON('{') == 1",
    ],
)
def test_what_would_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(GitHubExpressionError):
        condition(text, SCOPE)


PLAN = """\
on: push
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs: {langs: "${{ steps.list.outputs.langs }}", docs: "${{ steps.list.outputs.docs }}"}
    steps:
      - id: list
        run: echo 'langs=["en"]' >> "$GITHUB_OUTPUT"
"""


def imported(jobs: str, files: dict[str, str] | None = None) -> tuple[dict[str, Any], Imported]:
    result = convert(PLAN + jobs, SourceFormat.GITHUB, read_action=(files or {}).get)
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document), result


def test_a_job_runs_by_an_output_of_the_one_before() -> None:
    job = "  site: {needs: plan, runs-on: ubuntu-latest, if: needs.plan.outputs.docs == 'true', steps: [{run: make}]}\n"
    document, result = imported(job)

    assert document["treatments"]["site"]["when"] == '${{ treatments["plan"].outputs.docs == "true" }}'
    assert document["treatments"]["site"]["after"] == ["plan"]
    assert not [note for note in result.notes if "if:" in note.what]


def test_an_output_that_was_not_carried_over_decides_nothing() -> None:
    job = "  site: {needs: plan, runs-on: ubuntu-latest, if: needs.plan.outputs.lost == 'true', steps: [{run: make}]}\n"
    document, result = imported(job)

    assert document["treatments"]["site"]["when"] is False
    assert any("needs.plan.outputs.lost has no counterpart" in note.why for note in result.notes)


def test_a_matrix_over_a_list_that_a_job_sends_becomes_each() -> None:
    document, result = imported(
        "  site:\n    needs: plan\n    runs-on: ubuntu-latest\n"
        "    strategy: {max-parallel: 2, matrix: {lang: '${{ fromJson(needs.plan.outputs.langs) }}'}}\n"
        "    env: {TARGET: 'docs-${{ matrix.lang }}'}\n"
        "    steps: [{run: 'make \"$TARGET\" ${{ matrix.lang }}'}]\n"
    )
    plan, site = document["treatments"]["plan"], document["treatments"]["site"]

    assert (site["each"], site["inputs"]) == ({"input": "lang", "parallel": 2}, {"lang": "Block<string>"})
    assert document["connections"] == ["plan.langs_items -> site.lang"]
    assert plan["outputs"]["langs_items"] == "Block<Vec<string>>"
    assert plan["steps"][-1]["run"].endswith('cp "$CADENCE_OUT_langs" "$CADENCE_OUT_langs_items"\n')
    assert site["run"] == ('export TARGET="docs-$(cat "$CADENCE_IN_lang")"\nmake "$TARGET" $(cat "$CADENCE_IN_lang")\n')
    assert not [note for note in result.notes if "strategy" in note.what]


@pytest.mark.parametrize(
    "matrix",
    ["'${{ fromJson(needs.plan.outputs.langs) }}'", "{include: '${{ fromJson(needs.plan.outputs.langs) }}'}"],
)
def test_a_matrix_whose_axes_are_not_known_is_reported(matrix: str) -> None:
    document, result = imported(
        f"  site:\n    needs: plan\n    runs-on: ubuntu-latest\n    strategy: {{matrix: {matrix}}}\n"
        "    steps: [{run: 'make ${{ matrix.lang }}'}]\n"
    )

    assert not {"each", "matrix"} & document["treatments"]["site"].keys()
    assert "was not carried over" in document["treatments"]["site"]["run"]
    assert any(note.what.endswith("strategy.matrix") for note in result.notes)


CALLED = """\
on:
  workflow_call:
    inputs: {level: {type: string, default: low}, all: {type: boolean, default: false}}
    outputs: {code: {value: "${{ jobs.look.outputs.code }}"}, gone: {value: "${{ jobs.look.outputs.gone }}"}}
env: {MODE: "${{ inputs.level }}"}
jobs:
  look:
    runs-on: ubuntu-latest
    outputs: {code: "${{ steps.l.outputs.code }}"}
    steps:
      - {id: l, if: "!inputs.all", run: 'echo "code=${{ inputs.level }}" >> "$GITHUB_OUTPUT"'}
"""


@pytest.mark.parametrize("prefix", [".", "$"])
def test_a_reusable_workflow_with_outputs_takes_the_place_of_its_caller(prefix: str) -> None:
    document, result = imported(
        f"  look: {{uses: {prefix}/.github/workflows/look.yml, needs: plan, with: {{level: high}}}}\n"
        "  test: {needs: look, runs-on: ubuntu-latest, if: needs.look.outputs.code == 'high', steps: [{run: make}]}\n"
        "  rest: {needs: look, runs-on: ubuntu-latest, if: needs.look.outputs.gone == 'x', steps: [{run: make}]}\n",
        {"./.github/workflows/look.yml": CALLED},
    )
    look = document["treatments"]["look"]

    assert (look["env"], look["outputs"]) == ({"MODE": "high"}, {"code": "Block<string>"})
    assert 'echo "code=high"' in look["steps"][0]["run"]
    assert look["after"] == ["plan"]
    assert document["treatments"]["test"]["when"] == '${{ treatments["look"].outputs.code == "high" }}'
    assert document["treatments"]["rest"]["when"] is False
    assert any("needs.look.outputs.gone" in note.what for note in result.notes)


def test_a_reusable_workflow_stays_a_pipeline_where_it_has_several_jobs_or_other_secrets() -> None:
    several = CALLED + "  more: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"
    files = {"./.github/workflows/look.yml": CALLED, "./.github/workflows/several.yml": several}
    document, _ = imported(
        "  a: {uses: ./.github/workflows/several.yml}\n"
        "  b: {uses: ./.github/workflows/look.yml, secrets: {token: '${{ secrets.TOKEN }}'}}\n",
        files,
    )

    assert document["treatments"]["a"]["trigger"]["pipeline"] == "several"
    assert document["treatments"]["b"]["trigger"]["pipeline"] == "look"


FILTER = """\
on: push
jobs:
  changes:
    runs-on: ubuntu-latest
    outputs: {src: "${{ steps.filter.outputs.src }}", files: "${{ steps.filter.outputs.src_files }}"}
    steps:
      - uses: dorny/paths-filter@v3
        id: filter
        with:
          filters: |
            src: [src/**, '*.toml'%s]
  test: {needs: changes, runs-on: ubuntu-latest, if: needs.changes.outputs.src == 'true', steps: [{run: make}]}
"""


def test_a_filter_of_paths_decides_by_the_changed_files_of_the_event() -> None:
    result = convert(FILTER % "", SourceFormat.GITHUB)
    treatments = yaml.safe_load(result.document)["treatments"]
    when = treatments["changes"]["env"]["CHANGED_SRC"]

    def decided(**event: Any) -> Any:
        return Evaluator({"event": event}).value(when)

    assert result.valid
    assert decided(changed_files=["docs/a.md", "src/a/b.py"]) is True
    assert decided(changed_files=["docs/a.toml"]) is False
    assert decided() is True
    assert 'echo "src=$CHANGED_SRC" >> "$GITHUB_OUTPUT"' in treatments["changes"]["steps"][0]["run"]
    assert treatments["changes"]["outputs"] == {"src": "Block<string>"}
    assert treatments["test"]["when"] == '${{ treatments["changes"].outputs.src == "true" }}'


@pytest.mark.parametrize("more", [", '!src/x'", ", added: src/y", ", 'src/+(a|b)'"])
def test_a_filter_of_paths_that_asks_for_more_is_not_carried_over(more: str) -> None:
    result = convert(FILTER % more, SourceFormat.GITHUB)

    assert result.valid
    assert yaml.safe_load(result.document)["treatments"]["test"]["when"] is False


def test_a_step_whose_condition_has_no_value_at_the_start_is_left_out_alone() -> None:
    text = (
        "on: {workflow_dispatch: {inputs: {plan: {type: string}}}}\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
        "    steps: [{if: fromJson(inputs.plan).ready, run: make}, {run: make rest}]\n"
    )
    result = convert(text, SourceFormat.GITHUB)
    document = yaml.safe_load(result.document)

    assert result.valid
    assert [step.get("when") for step in document["treatments"]["a"]["steps"]] == [False, None]
    assert "when" not in document["treatments"]["a"]
    assert any("does not run (when: false)" in note.todo for note in result.notes)
