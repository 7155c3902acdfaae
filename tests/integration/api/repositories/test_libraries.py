"""Pipelines of a commit that use definitions of other files of it, read from a real git repository over HTTP."""

from cadence.adapters.git.reader import DulwichGitReader
from cadence.domain.pipelines import plan
from cadence.domain.runs.states import RunState
from tests.integration.api.repositories.test_repositories import TESTS, World, world

__all__ = ["world"]

SITE = TESTS.replace("test: {run: make test}", "test: {use: {path: ../ci/lib/test.yaml, definition: test}}")
OTHER = SITE.replace("name: tests", "name: other")
LIBRARY = "definitions:\n  test: {use: {path: ../base.yaml, definition: base}, env: {LEVEL: 1}}\n"
BASE = "definitions:\n  base: {run: make test}\n"
FILES: dict[str, str | None] = {".cadence/tests.yaml": SITE, "ci/lib/test.yaml": LIBRARY, "ci/base.yaml": BASE}


def script(world: World, run_id: str) -> str:
    """Returns the script of the only treatment of a run."""
    services = world.api.services
    (spec,) = plan.decode(services.documents.get(services.runs.get_run(run_id).plan_sha256))
    return spec.run


def test_a_push_runs_what_the_files_of_its_commit_define(world: World) -> None:
    world.connect()
    first = world.source.commit(FILES)
    second = world.source.commit({"ci/base.yaml": BASE.replace("make test", "make check")})

    (newer,) = world.push(second, "d-2")["runs"]
    (older,) = world.push(first, "d-1")["runs"]

    assert (script(world, older), script(world, newer)) == ("make test", "make check")
    pins = world.api.services.runs.get_run(older).pins
    assert set(pins) == {"document .cadence/tests.yaml", "file ci/lib/test.yaml", "file ci/base.yaml"}
    assert world.api.services.documents.get(pins["file ci/base.yaml"]) == BASE.encode()


def test_pipelines_of_a_commit_share_what_is_read(world: World, monkeypatch) -> None:
    asked: list[list[str]] = []
    read = DulwichGitReader.read_files

    def counted(self, url, commit, paths, credentials=None):
        asked.append(list(paths))
        return read(self, url, commit, paths, credentials)

    monkeypatch.setattr(DulwichGitReader, "read_files", counted)
    world.connect()
    commit = world.source.commit({**FILES, ".cadence/other.yaml": OTHER})

    assert len(world.push(commit)["runs"]) == 2
    assert asked == [["ci/lib/test.yaml"], ["ci/base.yaml"]]


def test_a_mistake_in_a_file_is_a_failed_status_with_its_line(world: World) -> None:
    world.connect()
    commit = world.source.commit({**FILES, "ci/base.yaml": "definitions:\n\n  base: {rnu: make test}\n"})

    (run_id,) = world.push(commit)["runs"]
    world.report()

    cause = world.api("GET", f"/v1/runs/{run_id}").json["cause"]
    assert cause.splitlines()[0].startswith("ci/base.yaml:3:")
    assert "ci/base.yaml:3:" in world.host.status_of(commit)["cadence/tests"]["description"]


def test_links_and_paths_out_of_the_repository_are_refused(world: World) -> None:
    world.connect()
    (world.source.folder / "ci" / "lib").mkdir(parents=True)
    (world.source.folder / "ci" / "lib" / "test.yaml").symlink_to("/etc/hostname")
    linked = world.source.commit({".cadence/tests.yaml": SITE})
    outside = world.source.commit({".cadence/tests.yaml": SITE.replace("../ci/", "../../ci/")})

    causes = []
    for number, commit in enumerate((linked, outside)):
        (run_id,) = world.push(commit, f"d-{number}")["runs"]
        causes.append(world.api("GET", f"/v1/runs/{run_id}").json["cause"])

    assert "is a symbolic link, which is not followed" in causes[0]
    assert "leaves the repository" in causes[1]


def test_a_pull_request_from_a_fork_uses_the_files_of_its_base(world: World) -> None:
    world.connect()
    base = world.source.commit(FILES)
    world.source.git("checkout", "--quiet", "-b", "change")
    head = world.source.commit({"ci/base.yaml": BASE.replace("make test", "steal")})

    (fork,) = world.pull_request(base, head, fork=True)["runs"]
    (own,) = world.pull_request(base, head, fork=False, delivery="d-2")["runs"]

    assert (script(world, fork), script(world, own)) == ("make test", "steal")


def test_a_run_that_failed_before_its_plan_is_rerun_with_the_files_of_its_commit(world: World) -> None:
    world.connect()
    needing = SITE.replace("definition: test}", "definition: test}, env: {A: '${{ event.nothing }}'}")
    commit = world.source.commit({**FILES, ".cadence/tests.yaml": needing})
    (failed,) = world.push(commit)["runs"]
    run = world.api.services.runs.get_run(failed)
    assert run.state is RunState.FAILED and run.plan_sha256 == ""

    again = world.api("POST", f"/v1/runs/{failed}/rerun", {})

    # What the expression names is still missing; the files are found.
    assert again.status == 422
    assert [one["code"] for one in again.json["findings"]] == ["expression-failed"]
