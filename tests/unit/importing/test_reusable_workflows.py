"""A reusable workflow becomes a pipeline that a treatment triggers; what it is given comes along or is reported."""

from typing import Any

import yaml

from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
jobs:
  set:
    runs-on: ubuntu-latest
    outputs: {tag: "${{ steps.s.outputs.tag }}"}
    steps: [{id: s, run: 'echo "tag=1" >> "$GITHUB_OUTPUT"'}]
  deploy:
    needs: set
    uses: ./.github/workflows/deploy.yml
    if: github.event_name == 'push'
    with: %s
%s
"""


def imported(given: str, more: str = "") -> tuple[dict[str, Any], Imported]:
    result = convert(WORKFLOW % (given, more))
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document), result


def test_an_output_of_another_job_is_an_input_which_becomes_a_parameter() -> None:
    document, _ = imported('{image-tag: "${{ needs.set.outputs.tag }}", commit: "${{ github.sha }}"}')
    deploy = document["treatments"]["deploy"]

    assert deploy["inputs"] == {"image_tag": "Block<string>"}
    assert document["connections"] == ["set.tag -> deploy.image_tag"]
    assert deploy["trigger"]["parameters"] == {"commit": '${{ has(event.commit) ? event.commit : "" }}'}
    assert deploy["when"] == '${{ event.kind == "push" }}'


def test_values_keep_their_types() -> None:
    document, _ = imported("{dry-run: true, count: 3, name: x}")

    assert document["treatments"]["deploy"]["trigger"]["parameters"] == {"dry_run": True, "count": 3, "name": "x"}


def test_a_value_that_is_made_of_outputs_is_an_output_of_the_job_that_has_them() -> None:
    document, _ = imported(
        '{image: "app:${{ needs.set.outputs.tag }}", first: "${{ needs.set.outputs.tag == \'1\' }}"}'
    )
    treatments = document["treatments"]

    assert treatments["deploy"]["inputs"] == {"image": "Block<string>", "first": "Block<bool>"}
    assert treatments["deploy"]["when"] == '${{ event.kind == "push" }}'
    assert treatments["set"]["outputs"]["deploy_first"] == "Block<bool>"
    assert "set.deploy_image -> deploy.image" in document["connections"]
    ending = treatments["set"]["steps"][-1]["run"]
    assert """printf '%s\\n' app:"$(cat "$CADENCE_OUT_tag")" > "$CADENCE_OUT_deploy_image"\n""" in ending
    assert (
        """if [ "$(cat "$CADENCE_OUT_tag")" = 1 ]; then echo true; else echo false; fi > "$CADENCE_OUT_deploy_first"\n"""
        in ending
    )


def test_a_value_that_cannot_be_passed_keeps_the_pipeline_from_being_started() -> None:
    document, result = imported('{image: "app:${{ needs.set.outputs.tag }}-${{ github.run_attempt }}", name: x}')
    deploy = document["treatments"]["deploy"]
    note = next(note for note in result.notes if note.what.startswith("jobs.deploy: with image"))

    assert deploy["when"] is False
    assert deploy["trigger"]["parameters"] == {"name": "x"}
    assert "on.pipeline" in note.todo
    assert "event.outputs" in note.todo
    assert "Write the value out" not in note.todo


def test_secrets_that_are_handed_on_are_in_the_report() -> None:
    for given, what in (("inherit", "secrets: inherit"), ("{TOKEN: x}", "secrets: TOKEN")):
        _, result = imported("{name: x}", f"    secrets: {given}")
        assert f"jobs.deploy: {what}" in [note.what for note in result.notes]
