"""Which documents are brought for the definitions that another uses, and what becomes of those that cannot be had."""

from dataclasses import dataclass, field
from typing import Any

from cadence.application.pipelines.fetch_libraries import FetchLibraries
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.pipelines.document import Reference, Unavailable
from cadence.domain.shared.errors import NotFound, Transient

COMMIT = "a" * 40
OTHER = "https://git.example.org/ci.git"


@dataclass
class World:
    """Pipelines' documents by name, and files of the only repository by path. All four ports at once."""

    pipelines: dict[tuple[str, int], bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    read_by: list[object] = field(default_factory=list)

    def version(self, organization: str, project: str, name: str, version: int) -> Any:
        if (name, version) not in self.pipelines:
            raise NotFound(f"There is no version {version} of {name}.")
        return Version(f"{name} {version}")

    def newest(self, organization: str, project: str, name: str) -> Any:
        return self.version(organization, project, name, max(number for one, number in self.pipelines if one == name))

    def document(self, sha256: str) -> bytes:
        name, number = sha256.split()
        return self.pipelines[name, int(number)]

    def read_file(self, url: str, commit: str, path: str, credentials: object = None) -> bytes:
        self.asked.append(path)
        self.read_by.append(credentials)
        if self.down:
            raise Transient(f"{url} does not answer.")
        if path not in self.files:
            raise NotFound(f"There is no file {path}.")
        return self.files[path]

    def get(self, key: str) -> bytes:
        if key not in self.kept:
            raise NotFound(key)
        return self.kept[key]

    def put(self, key: str, content: bytes) -> None:
        self.kept[key] = content

    def fetch(self, source: str) -> dict[Reference, bytes | Unavailable]:
        world: Any = self
        return dict(
            FetchLibraries(pipelines=world, documents=Documents(self), kept=world, git=lambda: world).fetch(
                "acme", "web", source
            )
        )


@dataclass
class Version:
    document_sha256: str


@dataclass
class Documents:
    world: World

    def get(self, sha256: str) -> bytes:
        return self.world.document(sha256)

    def put(self, content: bytes) -> str:
        raise AssertionError(content)


def using(*uses: str) -> str:
    return "treatments:\n" + "".join(f"  t{number}: {{use: {use}}}\n" for number, use in enumerate(uses))


def of_git(path: str) -> Reference:
    return Reference(git=OTHER, commit=COMMIT, path=path)


def git_use(path: str) -> str:
    return f"{{git: '{OTHER}', commit: {COMMIT}, path: {path}, definition: d}}"


def test_a_document_without_uses_asks_nobody() -> None:
    assert World().fetch("treatments: {a: {run: x}}") == {}
    assert World().fetch("use: [") == {}


def test_pipelines_are_taken_in_the_version_said_or_the_newest() -> None:
    world = World({("shared", 1): b"one", ("shared", 2): b"two"})

    found = world.fetch(
        using("{pipeline: shared, version: 1, definition: d}", "{pipeline: shared, definition: d}", "own")
    )

    assert found == {Reference(pipeline="shared", version=1): b"one", Reference(pipeline="shared"): b"two"}


def test_a_file_of_a_commit_is_read_once_and_kept() -> None:
    world = World(files={"ci.yaml": b"definitions: {}"})

    for _ in range(2):
        assert world.fetch(using(git_use("ci.yaml"))) == {of_git("ci.yaml"): b"definitions: {}"}

    assert world.asked == ["ci.yaml"]
    assert all("acme" in key for key in world.kept)


def test_what_libraries_refer_to_is_brought_too_but_not_without_end() -> None:
    files = {f"{n}.yaml": f"definitions: {{d: {{use: {git_use(f'{n + 1}.yaml')}}}}}".encode() for n in range(10)}

    found = World(files=files).fetch(using(git_use("0.yaml")))

    assert set(found) == {of_git(f"{number}.yaml") for number in range(4)}


def test_what_cannot_be_had_is_told_in_words() -> None:
    found = World().fetch(using(git_use("gone.yaml"), "{pipeline: none, version: 1, definition: d}"))

    assert found == {
        of_git("gone.yaml"): Unavailable("There is no file gone.yaml"),
        Reference(pipeline="none", version=1): Unavailable("There is no version 1 of none"),
    }


def test_a_host_that_does_not_answer_is_asked_once() -> None:
    world = World(down=True)

    found = world.fetch(using(git_use("a.yaml"), git_use("b.yaml")))

    assert len(world.asked) == 1
    assert set(map(type, found.values())) == {Unavailable}
    assert world.kept == {}


def test_a_document_cannot_make_us_read_without_end() -> None:
    world = World(files={f"{number}.yaml": b"x" for number in range(50)})

    found = world.fetch(using(*(git_use(f"{number}.yaml") for number in range(50))))

    assert len(world.asked) == 20
    assert sum(isinstance(one, Unavailable) for one in found.values()) == 30


def test_libraries_have_a_size_together() -> None:
    body = b"cadence: 1\nname: big\ndefinitions: {d: {run: x}}\n#" + b"x" * 400_000
    world = World(files={f"{n}.yaml": body for n in range(4)})
    uses = "".join(
        f"  t{n}: {{use: {{git: '{OTHER}', commit: {COMMIT}, path: {n}.yaml, definition: d}}}}\n" for n in range(4)
    )

    found = world.fetch(f"cadence: 1\nname: a\ntreatments:\n{uses}")

    refused = [text for text in found.values() if isinstance(text, Unavailable)]
    assert len(refused) == 2
    assert refused[0].fault == "the documents whose definitions are used have more than 1,000,000 bytes together"


def test_a_private_repository_is_read_as_its_projects_git_host_says() -> None:
    body = b"cadence: 1\nname: shared\ndefinitions: {d: {run: x}}\n"
    world: Any = World(files={"ci.yaml": body})
    use = f"{{git: '{OTHER}', commit: {COMMIT}, path: ci.yaml, definition: d}}"
    source = f"cadence: 1\nname: a\ntreatments: {{t: {{use: {use}}}}}\n"
    ours = GitCredentials("token", "s3cret")
    fetch = FetchLibraries(
        pipelines=world,
        documents=Documents(world),
        kept=world,
        git=lambda: world,
        credentials=lambda organization, project, url: (
            ours if (organization, project, url) == ("acme", "web", OTHER) else None
        ),
    )

    for project in ("web", "other", "web"):
        fetch.fetch("acme", project, source)

    assert world.read_by == [ours, None]  # and what one project may read is not kept for another


def test_without_the_projects_token_a_private_repository_is_not_read_and_the_finding_says_why() -> None:
    world: Any = World(files={}, kept={})
    asked: list[str] = []

    def credentials(organization: str, project: str, url: str) -> GitCredentials:
        asked.append(url)
        return GitCredentials("token", "s3cret")

    fetch = FetchLibraries(
        pipelines=world, documents=Documents(world), kept=world, git=lambda: world, credentials=credentials
    )
    source = using(git_use("ci.yaml"))
    (found,) = fetch.fetch("acme", "web", source, with_token=False).values()

    assert asked == []
    assert world.read_by == [None]
    assert isinstance(found, Unavailable)
    assert found.fault == (
        "There is no file ci.yaml; the project's access token is used only for callers with pipelines:write or "
        "runs:start"
    )
