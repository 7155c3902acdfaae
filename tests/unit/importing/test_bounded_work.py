"""Files that are made to keep the importer busy, or to end it, are read like any other."""

import json
import time

import pytest

from cadence.importing import Imported, SourceFormat, convert

_SECONDS = 5.0
"""Far more than the work takes, and far less than it took when it grew with the square of the text, or faster."""
_OPENINGS = "${{" * 100_000


def _job(*steps: dict[str, object]) -> Imported:
    workflow = {"on": "push", "jobs": {"test": {"runs-on": "ubuntu-latest", "steps": list(steps)}}}
    return convert(json.dumps(workflow), SourceFormat.GITHUB)


@pytest.mark.parametrize(
    "filters",
    [
        "a: &a [*a]",
        "x0: &x0 [p]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "a: " + "[" * 5000 + "]" * 5000,
    ],
    ids=["circle", "bomb", "deep"],
)
def test_filters_of_paths_that_cannot_be_read_leave_the_action_out(filters: str) -> None:
    began = time.process_time()
    imported = _job({"uses": "dorny/paths-filter@v3", "id": "f", "with": {"filters": filters}}, {"run": "true"})

    assert "paths-filter" in str(imported.notes)
    assert time.process_time() - began < _SECONDS


def test_a_date_among_the_filters_is_a_text() -> None:
    imported = _job({"uses": "dorny/paths-filter@v3", "id": "f", "with": {"filters": "a: 2024-13-45"}})

    assert "2024-13-45" in imported.document


@pytest.mark.parametrize(
    "condition",
    [
        "fromJSON(github.ref)[" * 40 + "'a'" + "]" * 40,
        "fromJSON(toJSON(" * 20 + "github.ref" + " && github.sha)) && github.sha" * 20,
    ],
    ids=["indexes", "conjunctions"],
)
def test_values_in_values_do_not_double_without_end(condition: str) -> None:
    began = time.process_time()
    imported = _job({"run": "true", "if": f"{condition} == 'x'"})

    assert "its translation is too long" in str(imported.notes)
    assert time.process_time() - began < _SECONDS


@pytest.mark.parametrize(
    "given",
    [
        {"key": "${{hashFiles(" * 30_000, "path": "dist"},
        {"key": "k", "path": _OPENINGS},
        {"key": "k", "path": "${{ a }}" * 40_000},
    ],
    ids=["key", "path", "expressions"],
)
def test_caches_of_long_texts_are_read_in_a_moment(given: dict[str, str]) -> None:
    began = time.process_time()
    _job({"uses": "actions/cache@v4", "with": given}, {"run": "true"})

    assert time.process_time() - began < _SECONDS


def test_long_texts_of_gitlab_are_read_in_a_moment() -> None:
    job = {"script": ["true"], "cache": {"paths": [_OPENINGS]}, "timeout": "1" * 100_000}
    began = time.process_time()
    imported = convert(json.dumps({"test": job}), SourceFormat.GITLAB)

    assert "max_duration: 604800" in imported.document
    assert time.process_time() - began < _SECONDS


@pytest.mark.parametrize("last", ["", "${{ env.V0 }}"], ids=["chain", "circle"])
@pytest.mark.parametrize("value", ["${{ env.V%d }}${{ env.V%d }}", "${{ env.V%d && env.V%d }}"])
def test_variables_that_refer_to_each_other_are_translated_once_each(value: str, last: str) -> None:
    env = {f"V{n}": value % (n + 1, n + 2) for n in range(60)} | {"V60": last, "V61": last}
    job = {"runs-on": "ubuntu-latest", "steps": [{"run": "echo $V0 ${{ env.V58 }}"}]}
    began = time.process_time()
    imported = convert(json.dumps({"on": "push", "env": env, "jobs": {"test": job}}), SourceFormat.GITHUB)

    assert "env.V0" in str(imported.notes)
    assert time.process_time() - began < _SECONDS / 2
