"""Files of other systems, imported and run: the jobs do what they did there."""

from pathlib import Path

from cadence.importing import SourceFormat, convert
from tests.e2e.api import Api, states
from tests.git.repositories import Repository, served

GITHUB = """
on: push
env: {GREETING: hello}
jobs:
  prepare:
    runs-on: ubuntu-latest
    outputs: {version: "${{ steps.v.outputs.version }}"}
    steps:
      - id: v
        run: echo "version=1.2" >> "$GITHUB_OUTPUT"
      - run: mkdir dist && echo built > dist/file
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: dist/}
  test:
    needs: prepare
    runs-on: ubuntu-latest
    strategy: {matrix: {n: [1, 2]}}
    env: {VERSION: "${{ needs.prepare.outputs.version }}"}
    steps:
      - uses: actions/download-artifact@v4
        with: {name: dist, path: got}
      - run: echo "$GREETING $VERSION ${{ matrix.n }} $(cat got/file)"
  publish:
    needs: test
    runs-on: ubuntu-latest
    if: github.event_name == 'push'
    steps: [{run: exit 1}]
  clean-up:
    needs: [publish]
    runs-on: ubuntu-latest
    if: always()
    steps: [{run: echo cleaned}]
"""
GITLAB = """
stages: [build, test]
variables: {COLOUR: green}
compile:
  stage: build
  script: [git rev-parse HEAD, mkdir -p out, 'echo "$(cat source) $COLOUR" > out/result.txt']
  artifacts: {paths: [out/]}
unit:
  stage: test
  variables: {GIT_STRATEGY: none}
  parallel: {matrix: [{PART: [one, two]}]}
  before_script: [echo before]
  script: ['echo "$PART $(cat out/result.txt)"']
  after_script: [echo after]
"""


def texts(api: Api, run_id: str, treatment: str, expected: int = 1) -> list[str]:
    return [line["text"] for line in api.lines(run_id, expected, treatment=treatment)]


def test_a_github_workflow_passes_outputs_artifacts_and_matrix_values(api: Api) -> None:
    run_id = api.start(convert(GITHUB, SourceFormat.GITHUB).document)
    run = api.finished(run_id)

    assert run["state"] == "succeeded", run["cause"]
    assert states(run)["publish"] == "skipped"
    assert [texts(api, run_id, f"test:{n}") for n in (1, 2)] == [["hello 1.2 1 built"], ["hello 1.2 2 built"]]
    assert texts(api, run_id, "clean-up") == ["cleaned"]


def test_gitlab_jobs_clone_if_they_use_git_and_pass_their_artifacts(api: Api, tmp_path: Path) -> None:
    Repository(tmp_path / "web").commit({"source": "compiled"})
    with served(tmp_path) as address:
        run_id = api.start(convert(GITLAB, SourceFormat.GITLAB).document, repository_url=f"{address}/web")
        run = api.finished(run_id)

    assert run["state"] == "succeeded", texts(api, run_id, "compile")
    for part in ("one", "two"):
        expected = {"before", f"{part} compiled green", "after"}
        assert expected <= set(texts(api, run_id, f"unit:{part}", 3))
