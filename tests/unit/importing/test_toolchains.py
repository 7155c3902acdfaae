"""Actions that install a toolchain give the treatment the image that has the version which they would install."""

from typing import Any

import pytest
import yaml

from cadence.domain.pipelines.expression import Evaluator
from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: %s}
    steps:
      - uses: %s
        with: %s
      - run: make
"""


def imported(uses: str, given: str, matrix: str = "{os: [a]}") -> tuple[dict[str, Any], Imported]:
    result = convert(WORKFLOW % (matrix, uses, given))
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document)["treatments"]["test"], result


@pytest.mark.parametrize(
    ("uses", "given", "image"),
    [
        ("actions/setup-go@v5", "{go-version: '~1.26.0'}", "golang:1.26"),
        ("actions/setup-go@v5", "{go-version: '^1.23'}", "golang:1"),
        ("actions/setup-go@v5", "{go-version: stable}", "golang:latest"),
        ("actions/setup-node@v4", "{node-version: 'lts/*'}", "node:lts"),
        ("actions/setup-node@v4", "{node-version: 20.x}", "node:20"),
        ("actions/setup-python@v5", "{python-version: pypy-3.11}", "pypy:3.11"),
        ("actions/setup-python@v5", "{python-version: '3.x'}", "python:3"),
        ("actions/setup-python@v5", "{python-version: x}", "python:x"),
        ("actions/setup-dotnet@v4", "{dotnet-version: 8.x}", "mcr.microsoft.com/dotnet/sdk:8.0"),
        ("dtolnay/rust-toolchain@1.75", "{}", "rust:1.75"),
        ("dtolnay/rust-toolchain@1.75.0", "{components: clippy}", "rust:1.75.0"),
        ("dtolnay/rust-toolchain@nightly", "{}", "rustlang/rust:nightly"),
        ("dtolnay/rust-toolchain@stable", "{toolchain: 1.80.1}", "rust:1.80.1"),
        ("dtolnay/rust-toolchain@v1", "{}", "rust:latest"),
    ],
)
def test_a_version_names_an_image(uses: str, given: str, image: str) -> None:
    test, result = imported(uses, given)

    assert test["image"] == image
    assert not any("setup-" in note.what for note in result.notes)


@pytest.mark.parametrize(
    ("matrix", "images"),
    [
        ("{v: ['3.12', pypy-3.11, '3.x']}", {"3.12": "python:3.12", "pypy-3.11": "pypy:3.11", "3.x": "python:3"}),
        ("{v: ['3.12', 3.13]}", {"3.12": "python:3.12", 3.13: "python:3.13"}),
        ("{os: [a, b], include: [{os: a, v: ~3.12.1}]}", {"~3.12.1": "python:3.12", None: "python:latest"}),
    ],
)
def test_each_value_of_an_axis_has_its_image(matrix: str, images: dict[Any, str]) -> None:
    test, _ = imported("actions/setup-python@v5", "{python-version: '${{ matrix.v }}'}", matrix)

    for value, image in images.items():
        names = {"matrix": {} if value is None else {"v": value}}
        assert Evaluator(names).value(test["image"]) == image


def test_a_version_in_a_file_is_the_newest_image_and_told() -> None:
    test, result = imported("actions/setup-go@v5", "{go-version-file: go.mod}")

    assert test["image"] == "golang:latest"
    assert any("go.mod" in note.why for note in result.notes)


@pytest.mark.parametrize(
    ("uses", "given"),
    [("actions/setup-python@v5", "{python-version: 3.14t}"), ("actions/setup-go@v5", "{go-version: oldstable}")],
)
def test_a_version_without_an_image_is_told(uses: str, given: str) -> None:
    _, result = imported(uses, given)

    assert any(note.what.startswith("jobs.test: the image ") and "not published" in note.why for note in result.notes)


@pytest.mark.parametrize(
    ("uses", "given", "image"),
    [
        ("dtolnay/rust-toolchain@beta", "{}", "rust:beta"),
        ("dtolnay/rust-toolchain@nightly-2026-01-31", "{}", "rust:nightly-2026-01-31"),
        ("actions/setup-python@v5", "{python-version: 3.14-dev}", "python:3.14-dev"),
        ("ruby/setup-ruby@v1", "{ruby-version: head}", "ruby:head"),
        ("ruby/setup-ruby@v1", "{ruby-version: jruby-9.4}", "ruby:jruby-9.4"),
    ],
)
def test_an_image_that_is_not_published_is_noted(uses: str, given: str, image: str) -> None:
    _, result = imported(uses, given)

    assert f"the image {image}" in " ".join(note.what for note in result.notes)
