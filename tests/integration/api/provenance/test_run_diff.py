"""Two runs compared, over the stores and from the command line."""

import json

import pytest

from cadence.domain.runs.run import ReplayOf, Run
from cadence.domain.runs.states import RunState
from tests.integration.api.provenance.test_provenance import CONTENTS, DOCUMENT, NOW, admitted
from tests.integration.api.test_cli import cadence, server
from tests.unit.replay.test_tree_diff import tree

__all__ = ["cadence", "server"]

OTHER = {**CONTENTS, ("keep", "out"): b"a\nB\n", ("count", "n"): b"2"}


def ended(api, run: Run, state: RunState = RunState.SUCCEEDED) -> Run:
    stored: Run = api.services.runs.finish_run(api.services.runs.get_run(run.run_id), state, None, NOW)
    return stored


@pytest.fixture
def runs(api) -> tuple[Run, Run]:
    return ended(api, admitted(api, DOCUMENT, CONTENTS)), ended(api, admitted(api, DOCUMENT, OTHER), RunState.FAILED)


def test_the_divergence_its_content_and_where_it_ran(api, runs):
    found = api("GET", f"/v1/runs/{runs[0].run_id}/diff/{runs[1].run_id}").json

    assert found["words"] == "keep: its inputs are equal, but output out differs."
    assert (found["divergence"]["name"], found["divergence"]["standing"]) == ("keep", "differs")
    assert found["content"]["port"] == "out"
    place = found["content"]["first_difference"]
    assert (place["line"], place["then"], place["now"]) == (2, "c", "B")
    assert found["counts"] == {"same": 2, "differs": 1}
    assert [runner["pool"] for runner in found["runners"]] == ["local", "local"]
    assert (found["changed"], found["only_then"], found["only_now"], found["replay"]) == ([], [], [], False)


def test_without_the_right_to_values_no_content_is_read(api, runs):
    token = api.token_for(["runs:read"])

    found = api("GET", f"/v1/runs/{runs[0].run_id}/diff/{runs[1].run_id}", token=token).json

    assert found["content"] is None and found["divergence"]["outputs"][0]["then"]["size"] == 4


def test_a_run_that_one_may_not_see_is_not_compared(api, runs):
    api("POST", "/v1/projects", {"name": "elsewhere"})
    stranger = api.token_for(["runs:read"], project="elsewhere")

    for first, second in (runs, runs[::-1]):
        assert api("GET", f"/v1/runs/{first.run_id}/diff/{second.run_id}", token=stranger).status == 404
    assert api("GET", f"/v1/runs/{runs[0].run_id}/diff/01nothing").status == 404


def test_the_last_one_that_passed(api, runs):
    later = ended(api, admitted(api, DOCUMENT, CONTENTS))

    for run, expected in ((runs[0], None), (runs[1], runs[0].run_id), (later, runs[0].run_id)):
        assert api("GET", f"/v1/runs/{run.run_id}/last-passed").json == {"run_id": expected}


def test_a_replay_is_compared_with_its_original_by_the_treatment_alone(api, runs):
    document = "cadence: 1\nname: sieve\ntreatments:\n  keep: {run: x, outputs: {out: Stream<string>}}\n"
    replay = admitted(api, document, {("keep", "out"): b"a\n"}, replay_of=ReplayOf(runs[0].run_id, "keep"))

    found = api("GET", f"/v1/runs/{runs[0].run_id}/diff/{replay.run_id}").json

    assert (found["replay"], found["only_then"], found["only_now"]) == (True, [], [])
    assert [one["name"] for one in found["treatments"]] == ["keep"]
    assert api("GET", f"/v1/runs/{replay.run_id}/diff/{runs[0].run_id}").json["divergence"]["name"] == "keep"


def test_the_command_names_what_changed_and_ends_with_1(api, runs, cadence):
    then, now = (run.run_id for run in runs)

    printed = cadence("diff", then, now)
    with_last = cadence("diff", "@failed", "--json")

    assert printed.exit_code == 1
    assert "keep: its inputs are equal, but output out differs." in printed.output
    assert "line 2, column 1" in printed.output
    assert (with_last.exit_code, json.loads(with_last.stdout)["then"]["run_id"]) == (1, then)
    assert json.loads(cadence("diff", then[-8:], "@last", "--json").stdout)["now"]["run_id"] == now
    assert cadence("diff", now, then).output == printed.output  # in the order of time, however they are named
    assert cadence("diff", then, then).exit_code == 0
    alone = cadence("diff", then)
    assert alone.exit_code == 1 and "No earlier run" in alone.stderr


def test_equal_runs_have_no_divergence(api, runs):
    again = admitted(api, DOCUMENT, CONTENTS)

    found = api("GET", f"/v1/runs/{runs[0].run_id}/diff/{again.run_id}").json

    assert found["divergence"] is None
    assert found["words"] == "No difference: 3 treatments gave the same results in both runs."


def test_two_trees_name_the_files_that_differ(api, cadence):
    document = "cadence: 1\nname: packs\ntreatments:\n  pack: {run: x, outputs: {files: Stream<byte>}}\n"
    then, now = (
        ended(api, admitted(api, document, {("pack", "files"): tree(files)}))
        for files in ({"old": b"1", "both": b"a\nb\n"}, {"both": b"a\nB\n", "new": b"1"})
    )

    content = api("GET", f"/v1/runs/{then.run_id}/diff/{now.run_id}").json["content"]
    files = content["files"]
    assert (files["added"], files["removed"], files["changed"], files["whole"]) == (["new"], ["old"], ["both"], True)
    assert (content["first_difference"]["member"], content["first_difference"]["line"]) == ("both", 2)
    printed = cadence("diff", then.run_id, now.run_id).output
    assert "files of files: 1 added, 1 removed, 1 changed" in printed
    assert "  changed both\n" in printed and "both, line 2, column 1" in printed
