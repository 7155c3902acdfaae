"""The command line with documents that use definitions of other files of a working tree, which are not committed."""

import json
from pathlib import Path

import pytest

from cadence.domain.pipelines import plan
from tests.git.repositories import Repository
from tests.integration.api.test_cli import cadence, server

__all__ = ["cadence", "server"]

DOCUMENT = "cadence: 1\nname: site\ntreatments:\n  go: {use: {path: ../ci/lib/build.yaml, definition: build}}\n"
LIBRARY = "definitions:\n  build: {use: {path: ../base.yaml, definition: base}, env: {LEVEL: 1}}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    repository = Repository(tmp_path / "site")
    repository.commit(
        {
            ".cadence/site.yaml": DOCUMENT,
            "ci/lib/build.yaml": LIBRARY,
            "ci/base.yaml": "definitions: {base: {run: committed}}",
        }
    )
    (repository.folder / "ci" / "base.yaml").write_text("definitions:\n  base: {run: not committed}\n")
    return repository.folder


def script(api, run_id: str) -> str:
    (spec,) = plan.decode(api.services.documents.get(api.services.runs.get_run(run_id).plan_sha256))
    return spec.run


def test_changes_that_are_not_committed_are_used(cadence, api, tree: Path) -> None:
    file = str(tree / ".cadence" / "site.yaml")

    assert cadence("validate", file).exit_code == 0
    assert cadence("validate", "--offline", file).exit_code == 0
    started = cadence("run", file)

    assert started.exit_code == 0, started.output
    assert script(api, started.stdout.strip()) == "not committed"


@pytest.mark.parametrize("how", [("validate",), ("validate", "--offline"), ("run",), ("pipeline", "create")])
def test_a_mistake_is_shown_with_its_place_in_the_file(cadence, tree: Path, how: tuple[str, ...]) -> None:
    (tree / "ci" / "base.yaml").write_text("definitions:\n\n  base: {rnu: x}\n")

    result = cadence(*how, str(tree / ".cadence" / "site.yaml"))

    assert result.exit_code == 1
    assert result.stderr.count("ci/base.yaml:3:") == 2  # an unknown key, and “run” is missing
    as_json = cadence(*how, "--json", str(tree / ".cadence" / "site.yaml"))
    assert {one["file"] for one in json.loads(as_json.stdout)["findings"]} == {"ci/base.yaml"}


@pytest.mark.parametrize("how", [("validate",), ("validate", "--offline"), ("run",)])
def test_links_are_not_followed(cadence, tree: Path, how: tuple[str, ...]) -> None:
    (tree / "ci" / "base.yaml").unlink()
    (tree / "ci" / "base.yaml").symlink_to("/etc/hostname")

    result = cadence(*how, str(tree / ".cadence" / "site.yaml"))

    words = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "ci/base.yaml is a symbolic link, which is not followed" in words
    assert "ci/lib/build.yaml:2:" in words


def test_without_a_working_tree_the_folder_is_the_root(cadence, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "build.yaml").write_text("definitions: {build: {run: x}}")
    (tmp_path / "a.yaml").write_text(DOCUMENT.replace("../ci/", ""))
    (tmp_path / "b.yaml").write_text(DOCUMENT)

    assert cadence("validate", "a.yaml").exit_code == 0
    assert cadence("validate", "-", stdin=(tmp_path / "a.yaml").read_text()).exit_code == 0
    refused = cadence("validate", "--offline", "b.yaml")
    assert refused.exit_code == 1 and "leaves the repository" in refused.output


def test_a_stored_pipeline_keeps_the_files_that_it_was_stored_with(cadence, api, tree: Path) -> None:
    file = str(tree / ".cadence" / "site.yaml")

    assert "version 1." in cadence("pipeline", "create", file).output
    assert "version 1." in cadence("pipeline", "create", file).output
    (tree / "ci" / "base.yaml").write_text("definitions: {base: {run: changed}}")
    first = cadence("start", "site").stdout.strip()
    assert "version 2." in cadence("pipeline", "create", file).output
    second = cadence("start", "site").stdout.strip()

    assert (script(api, first), script(api, second)) == ("not committed", "changed")


def test_a_key_of_a_request_means_the_same_files(cadence, api, tree: Path) -> None:
    body = {
        "document": DOCUMENT.replace("../ci/lib/", ""),
        "path": "a.yaml",
        "libraries": {"build.yaml": "definitions: {build: {run: one}}"},
    }
    path, key = "/v1/projects/default/runs", {"idempotency-key": "k1"}

    first = api("POST", path, body, headers=key)
    assert api("POST", path, body, headers=key).json == first.json
    body["libraries"] = {"build.yaml": "definitions: {build: {run: two}}"}
    assert api("POST", path, body, headers=key).status == 409
