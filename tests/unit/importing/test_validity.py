"""Imports end quickly, and give a valid document or none."""

import pytest

from cadence.importing.convert import convert
from cadence.importing.gitlab.file import without_header
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.mending import mended
from cadence.importing.shared.report import ImportFailure

WORKFLOW = """\
name: CI
on: {{{on}}}
jobs:
  test:
    runs-on: ubuntu-latest
    {job}
    steps:
      - run: make
"""


def test_a_file_with_many_comments_is_read_in_linear_time() -> None:
    text = "# a comment\n\n" * 20_000 + "jobs:\n"
    assert without_header(text) == ("", text)  # an expression that goes back and forth would not end


def test_a_header_is_taken_off_and_lines_keep_their_numbers() -> None:
    header, rest = without_header("# first\n---\nspec:\n  inputs: {}\n---\njob: {}\n")
    assert (header, rest) == ("spec:\n  inputs: {}\n", "\n\n\n\n\njob: {}\n")


@pytest.mark.parametrize("text", ["spec:\n  x: 1\n", "job: {}\n---\n", ""], ids=["no-end", "no-spec", "empty"])
def test_what_has_no_header_stays_as_it_is(text: str) -> None:
    assert without_header(text) == ("", text)


@pytest.mark.parametrize(
    ("on", "job", "reported"),
    [
        ("schedule: [{cron: $cron-daily}]", "timeout-minutes: 5", "on.schedule: $cron-daily"),
        ("push: ", 'strategy: {matrix: {a: ["${{ needs.x.outputs.y }}", "2"]}}', "jobs.test: matrix.a"),
        ("push: ", "if: ${{ needs.x.outputs.y != '' }}", "if: ${{ needs.x.outputs.y"),
    ],
    ids=["cron", "matrix", "condition"],
)
def test_what_has_no_counterpart_is_reported_and_leaves_the_document_valid(on: str, job: str, reported: str) -> None:
    imported = convert(WORKFLOW.format(on=on, job=job))
    assert imported.valid, imported.findings
    assert any(reported in note.what for note in imported.notes), imported.notes


def test_a_condition_of_a_step_that_is_unknown_leaves_no_expression_in_the_script() -> None:
    text = WORKFLOW.format(on="push: ", job="timeout-minutes: 5").replace(
        "- run: make", '- {run: make, if: "${{ !fromJson(inputs.plan).x }}"}'
    )
    imported = convert(text)
    assert imported.valid, imported.findings
    assert "if false; then # was: !fromJson(inputs.plan).x" in imported.document


def draft(**body: object) -> ImportDraft:
    made = ImportDraft("x", "Imported.")
    made.treatment("fine").body["run"] = "true"
    made.treatment("wrong", 7).body.update({"run": "true", **body})
    return made


def test_an_invalid_part_is_left_out_and_its_treatment_does_not_run() -> None:
    made = draft(cpu="many")
    document, findings = mended(made)
    assert "when: false" in document
    assert "cpu" not in document
    assert not [finding for finding in findings if finding.severity == "error"]
    assert [(note.line, note.what) for note in made.notes] == [(7, "wrong: cpu")]


def test_an_invalid_script_is_replaced_by_one_that_fails() -> None:
    document, _ = mended(draft(run="echo ${{ event.branch }}"))
    assert "wrong was not carried over" in document


def test_what_cannot_be_left_out_is_refused() -> None:
    made = draft()
    made.settings["max_duration"] = "long"
    with pytest.raises(ImportFailure, match="would not be a valid pipeline"):
        mended(made)
