"""Actions that many workflows use become commands."""

import pytest
import yaml

from cadence.importing.convert import convert
from cadence.importing.github.common_actions import COMMON

COMMIT = '${{ has(event.commit) ? event.commit : "none" }}'
WORKFLOW = """\
on: {push: }
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: %s
        with: %s
"""


def script(uses: str, given: str = "{}") -> str:
    imported = convert(WORKFLOW % (uses, given))
    assert imported.valid, imported.findings
    build = yaml.safe_load(imported.document)["treatments"]["build"]
    return str(build["run"]) if "run" in build else "\n".join(step["run"] for step in build["steps"])


@pytest.mark.parametrize("action", sorted(COMMON))
def test_every_action_gives_a_valid_document_without_settings(action: str) -> None:
    assert "was not carried over." not in script(f"{action}@v1")


@pytest.mark.parametrize(
    ("uses", "given", "expected"),
    [
        (
            "taiki-e/install-action@v2",
            "{tool: 'cargo-hack,nextest@0.9'}",
            "cargo install --locked cargo-hack nextest@0.9",
        ),
        ("astral-sh/setup-uv@v5", "{version: 0.6.1}", "https://astral.sh/uv/0.6.1/install.sh"),
        ("pnpm/action-setup@v4", "{version: '9'}", "npm install --global pnpm@9"),
        (
            "docker/login-action@v3",
            "{registry: ghcr.io, username: '${{ github.actor }}', password: '${{ secrets.TOKEN }}'}",
            'printf %s "${TOKEN}" | docker login --username "${GITHUB_ACTOR}" --password-stdin "ghcr.io"',
        ),
        (
            "docker/build-push-action@v6",
            "{context: app, tags: 'a:1,a:2', push: true, platforms: 'linux/amd64,linux/arm64'}",
            'docker buildx build --platform "linux/amd64,linux/arm64" --tag "a:1" --tag "a:2" --push "app"',
        ),
        ("golangci/golangci-lint-action@v6", "{version: v1.60.1, args: --fast}", 'golangci-lint" run --fast'),
        ("PyO3/maturin-action@v1", "{command: build, args: --release}", "maturin build --release"),
        ("pre-commit/action@v3", "{}", "pre-commit run --show-diff-on-failure --color=always --all-files"),
        ("goreleaser/goreleaser-action@v6", "{args: check}", "goreleaser/v2@latest check"),
    ],
    ids=lambda value: value.partition("@")[0] if "@v" in value else "",
)
def test_settings_of_an_action_are_arguments_of_its_command(uses: str, given: str, expected: str) -> None:
    assert expected in script(uses, given)


def test_a_cache_of_rust_has_an_entry_for_each_commit_made_from_the_one_before() -> None:
    imported = convert(WORKFLOW % ("Swatinem/rust-cache@v2", "{}"))
    (cache,) = yaml.safe_load(imported.document)["treatments"]["build"]["cache"]
    assert cache["key"].startswith("rust-build-${{")
    assert cache["restore"] == ["rust-build-"]
    assert "target" in cache["paths"]


CACHING = """\
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    strategy: {matrix: {p: [1, 2]}}
    steps:
      - {uses: actions/checkout@v4, with: {fetch-depth: %s}}
      - {uses: actions/cache@v4, with: {path: .tox, key: "%s", restore-keys: "%s"}}
      - run: tox
"""


@pytest.mark.parametrize(
    ("depth", "key", "restore", "expected", "reported"),
    [
        (1, "t-${{ hashFiles('tox.ini') }}", "", {"key": "t", "files": ["tox.ini"]}, []),
        (
            1,
            "t-${{ matrix.p }}-${{ hashFiles('./a', '**/b.lock') }}",
            "t-${{ matrix.p }}-",
            {"key": "t-${{ matrix.p }}", "files": ["a", "**/b.lock"], "restore": ["t-${{ matrix.p }}-"]},
            ["jobs.build: hashFiles of 2 patterns"],
        ),
        (0, "t-${{ hashFiles('a') }}", "t-", {"key": f"t-{COMMIT}", "restore": ["t-"]}, ["jobs.build: hashFiles"]),
        (1, "t-${{ hashFiles('!a') }}", "", {"key": f"t-{COMMIT}"}, ["jobs.build: hashFiles"]),
    ],
    ids=["file", "files", "cloned", "excluded"],
)
def test_a_cache_has_the_files_and_the_prefixes_that_were_written(
    depth: int, key: str, restore: str, expected: dict[str, object], reported: list[str]
) -> None:
    imported = convert(CACHING % (depth, key, restore))

    assert imported.valid, imported.findings
    assert yaml.safe_load(imported.document)["treatments"]["build"]["cache"] == [{**expected, "paths": [".tox"]}]
    assert [note.what for note in imported.notes if "hashFiles" in note.what] == reported
