"""Mélodium programs run by Cadence, with the real engine: by themselves, and between treatments of a pipeline."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cadence.domain.melodium.specification import engine_run_id
from cadence.local.shared.paths import CHECKOUT
from tests.e2e.api import Api
from tests.e2e.conftest import Cadence, Stack
from tests.e2e.engine import HAS_SECRETS, PROGRAMS, VERSION, for_this_version, needs_engine, reaches_workers
from tests.e2e.github_events import deliver
from tests.e2e.github_events import repository as hosted
from tests.git.repositories import Repository, served
from tests.integration.agent.melodium.test_melodium_packages import PACKAGE, VISITING, written
from tests.waiting import eventually, last_look

# What `count` numbers three elements with.
COUNTED = ["1", "2", "3"] if HAS_SECRETS else ["0", "1", "2"]

pytestmark = [pytest.mark.engine, needs_engine]

CI_PROGRAM = str(for_this_version(CHECKOUT / "examples" / "melodium-ci") / ".melodium-ci" / "Compo.toml")

until_the_certificate_ends = reaches_workers

MIDDLE = """
cadence: 1
name: engine-in-the-middle
treatments:
  say:
    run: |
      for word in one two drei; do echo $word; done > "$CADENCE_OUT_words"
      echo 42 > "$CADENCE_OUT_limit"
    outputs: {words: Stream<string>, limit: Block<u64>}
  tally: {melodium: {program: counting/Compo.toml, entrypoint: tally, parameters: {label: from a document}}}
  keep:
    run: |
      cat "$CADENCE_IN_words"; echo "limit $(cat "$CADENCE_IN_limit")"; cat "$CADENCE_IN_counts"
    inputs: {words: Stream<string>, counts: Stream<u128>, limit: Block<u64>}
connections:
  - say.words -> tally.words
  - say.limit -> tally.limit
  - tally.words -> keep.words
  - tally.counts -> keep.counts
  - tally.limit -> keep.limit
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(PROGRAMS / "counting", tmp_path / "counting")
    (tmp_path / "middle.yaml").write_text(MIDDLE)
    return tmp_path


def states(api: Api, run_id: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in api.get(f"/v1/runs/{run_id}")["treatments"]}


def lines(api: Api, run_id: str, treatment: str) -> list[str]:
    found = api.get(f"/v1/runs/{run_id}/logs", treatment=treatment)["lines"]
    return [line["text"] for line in found if line["stream"] == "stdout"]


def test_a_program_is_run_with_typed_parameters(cadence: Cadence, api: Api, folder: Path) -> None:
    compo = str(folder / "counting" / "Compo.toml")
    done = cadence("run", compo, "--param", "times=3", "--param", "greeting=hello from here", "--follow")
    assert "info: main: hello from here" in done.stdout
    run_id = done.stdout.split()[1]
    assert states(api, run_id) == {"main": "succeeded"}
    assert api.get(f"/v1/runs/{run_id}")["pipeline"] == "counting"
    engine = api.get(f"/v1/runs/{engine_run_id(run_id, 'main', 1)}")
    assert (engine["started_by_run"], engine["pipeline"]) == (run_id, "melodium-main")


def test_lines_four_seconds_apart_are_there_while_the_program_runs(cadence: Cadence, api: Api) -> None:
    """Its engine uploads the second of them with the third only, which nobody waits for."""
    told = cadence("run", str(PROGRAMS / "live.mel"), "--param", "pause=4", "--param", "rest=600")
    run_id = told.stdout.split()[0]
    texts = last_look(
        lambda: [line for line in lines(api, run_id, "main") if "info: phase: " in line],
        lambda found: len(found) >= 2,
        120,
        pause=0.1,
    )
    assert [text.rpartition(": ")[2] for text in texts] == ["the first line", "the second line"]
    assert api.run(run_id)["state"] == "running"
    cadence("cancel", run_id)
    assert api.finished(run_id)["state"] == "cancelled"


def test_a_secret_of_the_project_is_a_parameter_and_nowhere_to_be_read(
    cadence: Cadence, api: Api, folder: Path
) -> None:
    word = "hidden, even in (reports)"
    cadence("secret", "set", "greeting-of-a-program", stdin=word)
    compo = str(folder / "counting" / "Compo.toml")
    given = ("--secret", "greeting=greeting-of-a-program", "--param", "times=2")
    run_id = cadence("run", compo, *given, "--follow").stdout.split()[1]
    assert states(api, run_id) == {"main": "succeeded"}
    eventually(lambda: [line for line in lines(api, run_id, "main") if line.endswith("info: main: ***")])
    engine = engine_run_id(run_id, "main", 1)
    assert api.finished(engine)["pipeline"] == "melodium-main"
    path = f"/v1/runs/{engine}/treatments/main%2Fprogram%2Fsay"
    eventually(lambda: api.call("GET", path).ok)
    say = api.get(path)
    assert say["spec"]["element"]["parameters"]["message"] == '"***"'
    assert [line["text"] for line in api.lines(engine)] == ["***"]
    shown = json.dumps([api.run(run_id), api.run(engine), say]) + api.call("GET", f"/v1/runs/{run_id}/document").text
    assert word not in shown


def test_what_a_program_lacks_is_told_before_anything_starts(cadence: Cadence, folder: Path) -> None:
    compo = str(folder / "counting" / "Compo.toml")
    told = cadence("run", compo, status=1).stderr
    assert "error[missing-parameter]: The program needs the parameter “times” (u64)." in told
    told = cadence("run", compo, "--param", "times=-1", "--param", "tims=1", status=1).stderr
    assert "error[bad-parameter]" in told
    assert "error[unknown-parameter]" in told
    told = cadence("run", compo, "--entrypoint", "man", status=1).stderr
    assert "error[unknown-entrypoint]: The program" in told
    assert "main" in told


def test_the_engine_checks_a_program_before_it_runs(cadence: Cadence, api: Api) -> None:
    stale = str(PROGRAMS / "stale" / "wrong_type.mel")
    done = cadence("run", stale, "--param", "api_token=x", "--follow", status=1)
    run_id = done.stdout.split()[1]
    (main,) = api.get(f"/v1/runs/{run_id}")["treatments"]
    assert main["state"] == "failed"
    assert "at line 11 position 55 'api_token': D0197: Datatype does not match for 'api_token'" in main["cause"]
    said = cadence("validate", stale, status=1).stdout
    assert "at line 11 position 55 'api_token': D0197" in said
    assert cadence("validate", str(PROGRAMS / "counting")).stdout.endswith("counting is valid\n")


def test_packages_that_are_stored_here_are_found_by_the_check_before_a_run(cadence: Cadence, tmp_path: Path) -> None:
    visiting = str(written(tmp_path / "visiting", VISITING))
    written(tmp_path / "packages" / "greetings", PACKAGE)
    stored = {"CADENCE_MELODIUM_PACKAGES": str(tmp_path / "packages")}
    assert "No package 'greetings (^0.2.0)' found" in cadence("validate", visiting, status=1).stdout
    assert cadence("validate", visiting, **stored).stdout.endswith("visiting is valid\n")


def test_an_engine_in_the_middle_of_two_shell_treatments(cadence: Cadence, api: Api, folder: Path) -> None:
    done = cadence("run", str(folder / "middle.yaml"), "--follow")
    run_id = done.stdout.split()[1]
    assert states(api, run_id) == dict.fromkeys(("say", "tally", "tally:check", "keep"), "succeeded")
    eventually(lambda: lines(api, run_id, "keep") == ["one", "two", "drei", "limit 42", *COUNTED])

    here = json.loads(cadence("replay", run_id, "tally", "--here", "--json").stdout)
    assert here["verdict"] == "deterministic", here
    there = json.loads(cadence("replay", run_id, "tally", "--json").stdout)
    assert there["verdict"] == "deterministic", there


ASKING = """
cadence: 1
name: asks-for-a-worker
treatments:
  say:
    run: echo afar > "$CADENCE_OUT_word"
    outputs: {word: Block<string>}
  through: {melodium: {program: nesting/Compo.toml, entrypoint: middle}}
  keep:
    run: cat "$CADENCE_IN_word"
    inputs: {word: Block<string>}
connections:
  - say.word -> through.word
  - through.word -> keep.word
"""


@until_the_certificate_ends
def test_a_program_in_the_middle_asks_for_a_worker(cadence: Cadence, api: Api, tmp_path: Path) -> None:
    program = tmp_path / "nesting"
    program.mkdir()
    source = (PROGRAMS / "nesting.mel").read_text().split("\n")
    (program / "lib-root.mel").write_text("\n".join(line for line in source if not line.startswith("#!")))
    required = "".join(f'{name} = "{VERSION}"\n' for name in ("std", "work", "distrib", "fs"))
    entrypoints = '[entrypoints]\nmiddle = "nesting::middle"\n'
    (program / "Compo.toml").write_text(
        f'name = "nesting"\nversion = "0.1.0"\n\n[dependencies]\n{required}\n{entrypoints}'
    )
    (tmp_path / "asking.yaml").write_text(ASKING)
    done = cadence("run", str(tmp_path / "asking.yaml"), "--follow")
    eventually(lambda: lines(api, done.stdout.split()[1], "keep") == ["afar"])


def test_a_program_that_the_engine_refuses_stops_what_depends_on_it_only(
    cadence: Cadence, api: Api, folder: Path
) -> None:
    words = folder / "counting" / "words.mel"
    words.write_text(words.read_text().replace("count: count<string>()", "count: count<u8>()"))
    done = cadence("run", str(folder / "middle.yaml"), "--follow", status=1)
    found = states(api, done.stdout.split()[1])
    assert (found["tally:check"], found["tally"], found["keep"]) == ("failed", "skipped", "skipped")


def test_stored_programs_are_used_by_name_and_stay_what_they_were(cadence: Cadence, api: Api, folder: Path) -> None:
    counting = folder / "counting"
    put = cadence("program", "create", "counting", str(counting)).stdout
    assert 'main(greeting: string = "hello", times: u64)' in put
    document = folder / "stored.yaml"
    document.write_text(
        "cadence: 1\nname: stored-program\n"
        "treatments: {hello: {melodium: {program: counting, parameters: {greeting: first, times: 1}}}}\n"
    )
    cadence("pipeline", "create", str(document))
    root = counting / "lib-root.mel"
    root.write_text(root.read_text().replace("message=greeting", 'message="changed"'))
    cadence("program", "create", "counting", str(counting))

    run_id = api.call("POST", "/v1/projects/default/pipelines/stored-program/runs", json={}).json()["run_id"]
    assert api.finished(run_id)["state"] == "succeeded"
    eventually(lambda: any("info: main: first" in line for line in lines(api, run_id, "hello")))
    assert [one["stored_as"] for one in api.get("/v1/projects/default/programs")["items"]] == ["counting"]


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[tuple[Repository, str]]:
    """A repository with something to build and to test, and where it can be cloned from."""
    repository = Repository(tmp_path / "repositories" / "product")
    repository.commit(
        {"build.sh": "echo built from $(git rev-parse HEAD) > product.txt\n", "test.sh": "grep built product.txt\n"}
    )
    with served(tmp_path / "repositories") as address:
        yield repository, f"{address}/product/.git"


@until_the_certificate_ends
def test_the_reference_program_builds_and_tests_a_repository(
    cadence: Cadence, api: Api, sources: tuple[Repository, str]
) -> None:
    repository, url = sources
    words = ("run", CI_PROGRAM, "--param", f"repository={url}", "--param", "image=localhost/anything", "--follow")
    done = cadence(*words)
    said = done.stdout
    assert "info: build: built" in said, said
    assert "info: test: tested" in said, said
    assert f"built from {repository.git('rev-parse', 'HEAD')}" in said, said

    repository.commit({"test.sh": "echo it does not work; exit 3\n"})
    done = cadence(*words, status=1)
    (main,) = api.get(f"/v1/runs/{done.stdout.split()[1]}")["treatments"]
    assert main["state"] == "failed"
    assert "the program logged an error: " in main["cause"]
    assert "error: test: the tests have failed" in done.stdout


def test_a_push_runs_the_program_that_the_repository_has(api: Api, stack: Stack, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "pushed")
    script = (
        "use std/engine/util::startup\nuse std/engine/log::logInfoMessage\n\n"
        "treatment main(const commit: string, const branch: Option<string> = _)\n{\n    startup()\n"
        '    say: logInfoMessage(label="pushed", message=commit)\n    startup.trigger -> say.trigger\n}\n'
    )
    compo = 'name = "pushed"\nversion = "0.1.0"\n[dependencies]\nstd = "*"\n[entrypoints]\nmain = "pushed::main"\n'
    first = repository.commit({"README.md": "nothing to run yet\n"})
    second = repository.commit({".melodium-ci/Compo.toml": compo, ".melodium-ci/lib-root.mel": script})
    third = repository.commit({".melodium-ci/lib-root.mel": script.replace("commit: string", "key: string")})
    secret = "a webhook's secret, long enough"
    body = {"kind": "github", "project": "default", "name": "pushes", "webhook_secret": secret, "programs": True}
    webhook = stack.url + api.call("POST", "/v1/githosts", json=body).json()["webhook_path"]

    for commit in (first, second, third):
        pushed = {"ref": "refs/heads/main", "after": commit, "before": "0" * 40, "commits": []}
        payload = {**pushed, "repository": hosted(7, "acme/pushed", repository.url), "sender": {"login": "ada"}}
        assert deliver(webhook, json.dumps(payload).encode(), "push", secret).status_code == 202

    ended = {api.finished(run["run_id"])["event"]["commit"]: api.run(run["run_id"]) for run in runs_of(api, 2)}
    assert ended.keys() == {second, third}
    assert ended[second]["state"] == "succeeded"
    said = f"info: pushed: {second}"
    eventually(lambda: any(line.endswith(said) for line in lines(api, ended[second]["run_id"], "main")))
    assert ended[third]["state"] == "failed"
    assert "The program needs the parameter “key” (string)." in ended[third]["cause"]


# The program's own name, and what a run is called whose program cannot be used.
_OF_PUSHES = ("pushed", "melodium-ci")


def runs_of(api: Api, count: int) -> list[dict[str, Any]]:
    """Of the git host above, once there are so many."""

    def listed() -> list[dict[str, Any]]:
        runs = api.get("/v1/runs", limit=50)["items"]
        return [run for run in runs if run["created_by"] == "github pushes" and run["pipeline"] in _OF_PUSHES]

    found = last_look(listed, lambda found: len(found) >= count, 120, pause=0.2)
    assert len(found) >= count, found
    return found
