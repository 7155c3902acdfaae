"""A script stops where it uses a value that the import did not carry over; an empty value would let it go on."""

import subprocess

import pytest
import yaml

from cadence.importing import Imported, convert

DYNAMIC = """\
on: push
jobs:
  set:
    runs-on: ubuntu-latest
    outputs: {list: "${{ steps.s.outputs.list }}"}
    steps: [{id: s, run: 'echo "list=[1]" >> "$GITHUB_OUTPUT"'}]
  build:
    needs: set
    runs-on: ubuntu-latest
    strategy: {matrix: {pkg: "${{ fromJSON(needs.set.outputs.list) }}", level: [1]}}
    env: {PKG: "${{ matrix.pkg }}"}
    steps: [{run: %s}]
"""
ONE = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    env: {LEVEL: "${{ vars.LEVEL }}"}
    steps:
      - id: meta
        uses: acme/metadata@v1
      - run: %s
"""


def imported(text: str) -> Imported:
    result = convert(text)
    assert result.valid, (result.document, result.findings)
    return result


def build(result: Imported) -> str:
    body = yaml.safe_load(result.document)["treatments"]["build"]
    return str(body["run"] if "run" in body else body["steps"][-1]["run"])


def outcome(script: str, **env: str) -> tuple[int, str, str]:
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("script", ['echo "rm -rf build/${{ matrix.pkg }}"', 'echo "rm -rf build/$PKG"'])
def test_a_dynamic_axis_stops_the_script_that_uses_it(script: str) -> None:
    result = imported(DYNAMIC % f"'{script}'")

    assert "CADENCE_MATRIX_pkg" not in result.document
    code, output, error = outcome(build(result))
    assert code != 0
    assert output == ""
    assert "was not carried over" in error
    assert any("`each`" in note.todo for note in result.notes if note.what.startswith("jobs.build: matrix.pkg"))


@pytest.mark.parametrize(
    "script",
    ["echo rm $LEVEL/", "echo ${{ env.LEVEL }}", "echo ${{ steps.meta.outputs.tags }}", "echo $GITHUB_RUN_NUMBER"],
    ids=["variable", "env", "output-of-an-action", "variable-of-github"],
)
def test_a_value_without_counterpart_stops_the_script_that_uses_it(script: str) -> None:
    code, output, error = outcome(build(imported(ONE % script)))

    assert (code != 0, output) == (True, "")
    assert "was not carried over" in error


@pytest.mark.parametrize("script", ['"echo ${LEVEL:-low}"', "make low && echo low"], ids=["default", "not-used"])
def test_a_script_that_does_not_need_the_value_has_no_such_line(script: str) -> None:
    assert "not carried over" not in build(imported(ONE % script)).replace(
        "# acme/metadata@v1 was not carried over", ""
    )


def test_a_variable_that_an_earlier_step_sets_is_used() -> None:
    assert outcome(build(imported(ONE % "echo $LEVEL")), LEVEL="high") == (0, "high\n", "")


def test_an_output_that_was_not_carried_over_stops_its_consumer_and_not_its_producer() -> None:
    result = imported("""\
on: push
jobs:
  make:
    runs-on: ubuntu-latest
    outputs: {digest: "${{ steps.push.outputs.digest }}"}
    steps:
      - {id: push, uses: acme/push@v1}
      - run: make
  build:
    needs: make
    runs-on: ubuntu-latest
    steps: [{run: "echo deploy ${{ needs.make.outputs.digest }}"}]
""")

    assert "outputs" not in yaml.safe_load(result.document)["treatments"]["make"]
    code, output, error = outcome(build(result))
    assert (code != 0, output) == (True, "")
    assert "needs.make.outputs.digest was not carried over" in error
