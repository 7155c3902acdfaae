"""Definitions of other files of the document's repository: paths, circles, and findings where the mistakes are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from cadence.domain.pipelines.document import Context, Finding, Reference, Unavailable, collect_libraries, validate
from cadence.domain.pipelines.document.libraries import path_fault

HEAD = "cadence: 1\nname: sample\n"
PATH = ".cadence/site.yaml"
COMMIT = "a" * 40


def using(path: str, definition: str = "build", more: str = "") -> str:
    return f"{{use: {{path: {path}, definition: {definition}}}{more}}}"


def checked(document: str, files: Mapping[str, str], path: str | None = PATH) -> Sequence[Finding]:
    """Returns the findings of a document at `path`, in a repository with `files`."""

    def fetch(requested: Sequence[Reference]) -> Mapping[Reference, bytes | Unavailable]:
        return {one: content(one) for one in requested}

    def content(one: Reference) -> bytes | Unavailable:
        return (
            files[one.path].encode()
            if one.path is not None and one.path in files
            else Unavailable("there is no such file")
        )

    within = None if path is None else Reference(path=path)
    libraries = collect_libraries(document, within, fetch)
    return validate(document, context=Context(libraries=libraries, path=path)).findings


def at(findings: Sequence[Finding]) -> list[tuple[str | None, int, str]]:
    return [(finding.file, finding.line, str(finding.code)) for finding in findings]


def test_a_treatment_takes_a_definition_of_a_file_that_uses_another_one() -> None:
    files = {
        ".cadence/lib/build.yaml": f"definitions:\n  build: {using('../../ci/base.yaml', 'base', ', cpu: 500')}\n",
        "ci/base.yaml": "definitions: {base: {image: debian, run: make}}",
    }
    document = f"{HEAD}treatments:\n  go: {using('./lib/build.yaml')}\n"
    libraries = {Reference(path=path): text.encode() for path, text in files.items()}

    pipeline = validate(document, context=Context(libraries=libraries, path=PATH)).pipeline

    assert checked(document, files) == ()
    assert pipeline is not None
    body = pipeline.treatments["go"].body
    assert (body["image"], body["run"], body["cpu"]) == ("debian", "make", 500)


def test_a_file_of_a_repository_at_a_commit_uses_its_own_files() -> None:
    shared = Reference(git="https://git.example.org/ci.git", commit=COMMIT, path="ci/shared.yaml")
    use = f"{{git: 'https://git.example.org/ci.git', commit: {COMMIT}, path: ci/shared.yaml, definition: build}}"
    texts = {
        shared: f"definitions: {{build: {using('../base.yaml')}}}".encode(),
        replace(shared, path="base.yaml"): b"definitions: {build: {run: make}}",
    }
    document = f"{HEAD}treatments: {{go: {{use: {use}}}}}"

    found = collect_libraries(document, None, lambda requested: {one: texts[one] for one in requested})

    assert found == texts
    assert validate(document, context=Context(libraries=found)).findings == ()


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("../../outside.yaml", "leaves the repository"),
        ("../..", "leaves the repository"),
        ("lib/../../../x.yaml", "leaves the repository"),
        ("../.git/config.yaml", "leaves the repository"),
        ("../.GIT/config.yaml", "leaves the repository"),
        ("module/.git/config.yaml", "leaves the repository"),
        ("/etc/passwd.yaml", "is not relative to this file, with / between its parts"),
        ("lib\\build.yaml", "is not relative to this file, with / between its parts"),
        ("lib/build.sh", "does not end with .yaml, .yml or .json"),
        ("../.cadence/site.yaml", "is this file itself"),
        ("lib/build.yaml", None),
        ("../ci/build.yml", None),
        ("lib/../other.json", None),
    ],
)
def test_paths_stay_in_the_repository(path: str, fault: str | None) -> None:
    assert path_fault(path, PATH) == fault

    found = checked(f"{HEAD}treatments:\n  go: {using(repr(path))}\n", {})

    expected = "unreachable-definition" if fault is None else "bad-path"
    assert at(found) == [(None, 4, expected)]
    assert (fault or "there is no such file") in found[0].message


def test_a_document_that_lies_in_no_repository_has_no_files_beside_it() -> None:
    (found,) = checked(f"{HEAD}treatments:\n  go: {using('lib/build.yaml')}\n", {}, path=None)

    assert (found.code, found.line) == ("unreachable-definition", 4)
    assert found.message == "The file “lib/build.yaml” cannot be used: this document lies in no repository."
    assert "cadence run" in (found.hint or "")


def test_a_version_means_nothing_beside_a_path() -> None:
    use = "{use: {path: lib/build.yaml, commit: " + COMMIT + ", definition: build}}"

    (found,) = checked(f"{HEAD}treatments:\n  go: {use}\n", {".cadence/lib/build.yaml": "definitions: {}"})

    assert (found.code, found.pointer) == ("contradiction", "/treatments/go/use/commit")


def test_files_that_use_each_other_are_refused_with_their_circle() -> None:
    files = {
        ".cadence/a.yaml": f"definitions:\n  build: {using('lib/b.yaml')}\n",
        ".cadence/lib/b.yaml": f"definitions:\n\n  build: {using('../a.yaml', 'other')}\n",
    }

    found = checked(f"{HEAD}treatments:\n  go: {using('a.yaml')}\n", files)

    assert at(found) == [(".cadence/lib/b.yaml", 3, "recursive-definition")]
    assert found[0].message == (
        "These documents use each other without end: .cadence/a.yaml → .cadence/lib/b.yaml → .cadence/a.yaml."
    )


def test_a_file_that_uses_the_document_is_a_circle_too() -> None:
    files = {".cadence/a.yaml": f"definitions:\n  build: {using('site.yaml', 'own')}\n"}

    found = checked(f"{HEAD}definitions: {{own: {{run: x}}}}\ntreatments:\n  go: {using('a.yaml')}\n", files)

    assert at(found) == [(".cadence/a.yaml", 2, "recursive-definition")]
    assert ".cadence/site.yaml → .cadence/a.yaml → .cadence/site.yaml" in found[0].message


def test_files_are_four_deep_at_most() -> None:
    files = {f".cadence/{n}.yaml": f"definitions:\n  build: {using(f'{n + 1}.yaml')}\n" for n in range(5)}
    files[".cadence/5.yaml"] = "definitions: {build: {run: x}}"

    assert checked(f"{HEAD}treatments:\n  go: {using('2.yaml')}\n", files) == ()
    (found,) = checked(f"{HEAD}treatments:\n  go: {using('1.yaml')}\n", files)

    assert (found.file, found.line) == (".cadence/4.yaml", 2)
    assert "more than 4 libraries away" in found.message


def test_documents_are_twenty_at_most_and_bounded_in_size() -> None:
    many = {f".cadence/{n}.yaml": "definitions: {build: {run: x}}" for n in range(21)}
    uses = "".join(f"  t{n}: {using(f'{n}.yaml')}\n" for n in range(21))
    large = {".cadence/a.yaml": "definitions: {build: {run: x}}\n#" + "x" * 1_000_000}

    (found,) = checked(f"{HEAD}treatments:\n{uses}", many)
    assert "20 others at most" in found.message

    (found,) = checked(f"{HEAD}treatments:\n  go: {using('a.yaml')}\n", large)
    assert "more than 1,000,000 bytes together" in found.message


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "pointer"),
    [
        ("definitions:\n  build:\n    image: debian\n", 2, 3, "missing-key", "/definitions/build"),
        ("definitions:\n  build:\n    run: x\n    cpus: 2\n", 4, 5, "unknown-key", "/definitions/build/cpus"),
        ("definitions:\n  build: {run: x}\n  build: {run: y}\n", 3, 3, "duplicate-key", "/definitions/build"),
        ("definitions:\n  build: [\n", 3, 1, "syntax", ""),
        (
            "definitions:\n  build:\n    run: x\n    outputs:\n      o: Blok<u8>\n",
            5,
            10,
            "bad-type",
            "/definitions/build/outputs/o",
        ),
        ("definitions:\n  build: {use: none}\n", 2, 16, "unknown-definition", "/definitions/build/use"),
    ],
)
def test_a_mistake_in_a_file_is_a_finding_with_its_place_there(
    text: str, line: int, column: int, code: str, pointer: str
) -> None:
    document = f"{HEAD}treatments:\n  one: {using('lib/a.yaml')}\n  two: {using('lib/a.yaml')}\n"

    found = checked(document, {".cadence/lib/a.yaml": text})

    assert [(one.file, one.line, one.column, str(one.code), one.pointer) for one in found] == [
        (".cadence/lib/a.yaml", line, column, code, pointer)
    ]


def test_a_mistake_is_reported_once_however_many_files_use_the_one_that_has_it() -> None:
    files = {
        ".cadence/a.yaml": f"definitions: {{build: {using('c.yaml')}}}",
        ".cadence/b.yaml": f"definitions: {{build: {using('c.yaml')}}}",
        ".cadence/c.yaml": "definitions:\n  build: {run: x, cpus: 2}\n",
    }

    found = checked(f"{HEAD}treatments:\n  one: {using('a.yaml')}\n  two: {using('b.yaml')}\n", files)

    assert at(found) == [(".cadence/c.yaml", 2, "unknown-key")]


def test_what_only_a_use_brings_about_names_the_line_of_the_definition() -> None:
    files = {".cadence/lib/a.yaml": "definitions:\n\n  build: {run: x, secrets: {T: s}}\n"}

    (found,) = checked(f"{HEAD}treatments:\n  go: {using('lib/a.yaml', more=', env: {T: x}')}\n", files)

    assert (found.file, found.line, found.code) == (None, 4, "variable-set-twice")
    assert found.message.startswith("With definition “build” (.cadence/lib/a.yaml:3): ")


def test_a_definition_of_the_document_may_have_the_name_of_the_one_that_it_uses() -> None:
    files = {".cadence/lib/a.yaml": "definitions:\n\n\n\n\n\n  build: {run: x, stdin: none}\n"}
    document = f"{HEAD}definitions:\n  build: {using('lib/a.yaml')}\ntreatments:\n  go: {{use: build}}\n"

    (found,) = checked(document, files)

    assert (found.file, found.line, found.pointer) == (None, 4, "/definitions/build/use")
    assert "(.cadence/lib/a.yaml:7)" in found.message
