"""The files of a commit, from a real repository over HTTP to the plan of the run that receives them."""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cadence.adapters.git import archive
from cadence.adapters.git.reader import DulwichGitReader
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.application.pipelines.check_document import FreezeDocument
from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import PlanRun
from cadence.application.repositories.branch_protection import BranchProtection
from cadence.application.repositories.commit_source import EventSource, StoreCommitFiles
from cadence.application.repositories.pushed_pipelines import PushedPipelines
from cadence.application.runs.run_details import RunDetails
from cadence.application.runs.start_run import StartRun
from cadence.application.shared.git_ports import CredentialsOf, GitCredentials, no_credentials_of
from cadence.application.triggers.changed_paths import ChangedPaths
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.document import Context, Severity, Unavailable, validate
from cadence.domain.pipelines.specification import (
    EVERYTHING,
    SOURCE_PORT,
    SourceSelection,
    StoredContent,
    TreatmentSpec,
)
from cadence.domain.repositories.repository import Repository as ConnectedRepository
from cadence.domain.runs.run import Run
from cadence.domain.runs.states import RunState
from cadence.domain.shared.errors import NotFound, TooLarge
from cadence.domain.triggers.git_events import GitEvent, PullRequest, Push
from cadence.domain.triggers.githost import GitHostKind
from tests.git.repositories import Repository, served
from tests.unit.scheduling.setting import Setting

LOCAL = EgressPolicy(frozenset({"*"}))
TOKEN = GitCredentials("git", "s3cret-token")
SUBMODULE = GitCredentials("git", "token-of-a-submodule")
DOCUMENT = (
    b"cadence: 1\nname: build\non: {push: {}, pull_request: {}}\ntreatments:\n"
    b"  build: {run: make, source: true}\n"
    b"  every: {run: make, source: true, matrix: {n: [1, 2]}}\n"
    b"  plain: {run: make}\n"
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def repository(folder: Path) -> Repository:
    made = Repository(folder / "one")
    (made.folder / "bin").mkdir()
    (made.folder / "bin" / "tool").write_text("#!/bin/sh\n")
    (made.folder / "bin" / "tool").chmod(0o755)
    (made.folder / "link").symlink_to("bin/tool")
    made.commit({"a.txt": "first", "\u00fc/b.txt": "b"})
    made.commit({"a.txt": "second"})
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The address of the server that requires the token."""
    with served(folder, token=TOKEN.password) as url:
        yield url


def members(content: bytes) -> Mapping[str, tuple[int, str]]:
    """Mode, and content or target, by path."""
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        found = {}
        for member in packed:
            file = packed.extractfile(member) if member.isfile() else None
            found[member.name] = member.mode, file.read().decode() if file else member.linkname
    return found


def test_a_commit_is_packed_as_it_is_and_always_to_the_same_bytes(address: str, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")

    packed = DulwichGitReader(LOCAL).read_archive(f"{address}/one", commit, TOKEN)

    assert members(packed) == {
        "a.txt": (0o644, "second"),
        "bin": (0o755, ""),
        "bin/tool": (0o755, "#!/bin/sh\n"),
        "link": (0o777, "bin/tool"),
        "\u00fc": (0o755, ""),
        "\u00fc/b.txt": (0o644, "b"),
    }
    assert packed == DulwichGitReader(LOCAL).read_archive(repository.url, commit)


def test_a_submodule_is_an_empty_directory(repository: Repository, folder: Path) -> None:
    outer = Repository(folder / "outer")
    outer.commit({"a": "1"})
    commit = repository.git("rev-parse", "HEAD")
    outer.git("update-index", "--add", "--cacheinfo", f"160000,{commit},inner")
    outer.git("commit", "--quiet", "--message", "a submodule")

    packed = DulwichGitReader(LOCAL).read_archive(outer.url, outer.git("rev-parse", "HEAD"))

    assert members(packed) == {"a": (0o644, "1"), "inner": (0o755, "")}


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [("LARGEST_ARCHIVE", 1_500, "larger than"), ("MOST_ENTRIES", 5, "more than 5 files")],
)
def test_a_commit_that_is_too_large_is_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, words: str
) -> None:
    monkeypatch.setattr(archive, limit, value)
    with pytest.raises(TooLarge, match=words):
        DulwichGitReader(LOCAL).read_archive(repository.url, repository.git("rev-parse", "HEAD"))


def test_a_private_repository_is_not_read_without_its_token(address: str, repository: Repository) -> None:
    with pytest.raises(NotFound, match="access token"):
        DulwichGitReader(LOCAL).read_archive(f"{address}/one", repository.git("rev-parse", "HEAD"))


class ProjectChecks:
    """Stands for the check of a document in a project with nothing in it."""

    def context(self, *_: object) -> Context:
        return Context()


@dataclass
class Stage:
    """A connected repository, and what its events start."""

    clone_url: str
    setting: Setting = field(default_factory=Setting)
    seconds: float = 60.0
    fetched: list[tuple[str, GitCredentials | None]] = field(default_factory=list)
    asked_tokens: list[GitCredentials | None] = field(default_factory=list)

    @property
    def freeze(self) -> FreezeDocument:
        return FreezeDocument(ProjectChecks(), self.setting.documents)  # type: ignore[arg-type]

    def read_archive(
        self,
        url: str,
        commit: str,
        credentials: GitCredentials | None = None,
        selection: SourceSelection = EVERYTHING,
        credentials_of: CredentialsOf = no_credentials_of,
    ) -> bytes:
        self.fetched.append((url, credentials))
        self.asked_tokens.append(credentials_of("https://git.example.com/acme/lib.git"))
        return DulwichGitReader(LOCAL, seconds=self.seconds).read_archive(url, commit, credentials, selection)

    def credentials(self, repository: ConnectedRepository, url: str) -> GitCredentials | None:
        """Stands for the tokens of submodules' repositories."""
        return SUBMODULE

    def repository(self) -> ConnectedRepository:
        return ConnectedRepository(
            repository_id="r-1",
            kind=GitHostKind.GITEA,
            organization="acme",
            project="web",
            name="acme/one",
            url=self.clone_url,
            clone_url=self.clone_url,
            origin="https://git.example.com",
            default_branch="main",
            public_url="https://cadence.example.com",
            created_at=datetime(2030, 1, 1, tzinfo=UTC),
            created_by="ada",
        )

    def source(self, event: GitEvent) -> EventSource:
        store = StoreCommitFiles(
            archives=self,
            submodules=self,  # type: ignore[arg-type]
            write=self.setting.chunks.write,
            documents=self.setting.documents,
        )
        return store.of_event(self.repository(), event, TOKEN)

    def start(self, run_id: str, event: GitEvent, source: EventSource, document: bytes = DOCUMENT) -> Run:
        setting = self.setting
        pipelines = PushedPipelines(
            documents=setting.documents,
            freeze=self.freeze,
            plan=PlanRun(setting.documents),
            start=StartRun(setting.runs, setting.run_gates, setting.deadlines, setting.clock),
        )
        changed = ChangedPaths(git=DulwichGitReader(LOCAL), event=event, credentials=TOKEN)
        run = pipelines.start_file(
            run_id,
            self.repository(),
            ("build.yaml", document),
            event,
            changed,
            event.event(),
            source,
            BranchProtection(asked_of_no_host),
            lambda paths: dict.fromkeys(paths, Unavailable("this test has no other files")),
        )
        assert run is not None
        return run

    def specs(self, run: Run) -> Mapping[str, TreatmentSpec]:
        return {spec.name: spec for spec in plan.decode(self.setting.documents.get(run.plan_sha256))}

    def content(self, stored: StoredContent) -> bytes:
        return b"".join(self.setting.chunks.contents[f"{stored.prefix}{seq:012}"] for seq in range(stored.chunks))


def asked_of_no_host(branch: str) -> bool:
    raise AssertionError(f"no environment of protected branches asks about {branch}")


def pushed(commit: str) -> Push:
    return Push(repository="acme/one", repository_url="", ref="refs/heads/main", commit=commit)


def test_a_push_gives_its_files_to_every_treatment_that_asks_for_them(address: str, repository: Repository) -> None:
    stage = Stage(f"{address}/one")
    event = pushed(repository.git("rev-parse", "HEAD"))
    source = stage.source(event)

    run = stage.start("01" + "a" * 24, event, source)
    again = stage.start("01" + "b" * 24, event, source, DOCUMENT.replace(b"name: build", b"name: other"))

    specs = stage.specs(run)
    (port,) = specs["build"].inputs
    assert port.stored is not None
    assert (run.state, port.port, port.path, port.source_treatment) == (RunState.PENDING, SOURCE_PORT, "./", None)
    given = {name: [each.stored for each in spec.inputs] for name, spec in specs.items() if spec.inputs}
    assert len(given) == 3
    assert all(stored == [port.stored] for stored in given.values())
    assert stage.specs(again)["build"].inputs == (port,)
    assert members(stage.content(port.stored))["a.txt"] == (0o644, "second")
    assert stage.fetched == [(f"{address}/one", TOKEN)]
    details = RunDetails(
        run=run,
        treatment_store=stage.setting.runs,
        value_store=stage.setting.runs,
        runners=stage.setting.runners,
        documents=stage.setting.documents,
    )
    value = details.value(port.stored.sha256)
    assert (value.port, value.chunk_key(0)) == (SOURCE_PORT, f"{port.stored.prefix}{0:012}")


def test_each_treatment_receives_the_files_that_it_selects(address: str, repository: Repository) -> None:
    stage = Stage(f"{address}/one")
    document = DOCUMENT.replace(b"{run: make, source: true}", b"{run: make, source: {paths: [bin], submodules: true}}")
    event = pushed(repository.git("rev-parse", "HEAD"))

    specs = stage.specs(stage.start("01" + "a" * 24, event, stage.source(event), document))
    some, everything = specs["build"].inputs[0], specs["every"].instance.inputs[0] if specs["every"].instance else None
    if everything is None:
        everything = next(spec.inputs[0] for name, spec in specs.items() if name.startswith("every") and spec.inputs)
    assert some.selection == SourceSelection(paths=("bin",), submodules=True)
    assert some.stored is not None and everything.stored is not None
    assert set(members(stage.content(some.stored))) == {"bin", "bin/tool"}
    assert "a.txt" in members(stage.content(everything.stored))
    assert stage.fetched == [(f"{address}/one", TOKEN)] * 2
    assert stage.asked_tokens == [SUBMODULE] * 2


def test_a_pipeline_that_names_the_changed_files_is_given_them(address: str, repository: Repository) -> None:
    stage = Stage(f"{address}/one")
    event = replace(
        pushed(repository.git("rev-parse", "HEAD")),
        repository_url=f"{address}/one",
        before=repository.git("rev-parse", "HEAD~1"),
    )
    source = stage.source(event)
    naming = DOCUMENT.replace(b"name: build", b"name: other # CADENCE_CHANGED_FILES")

    assert "changed_files" not in stage.start("01" + "a" * 24, event, source).event
    changed = repository.git("diff", "--name-only", "HEAD~1", "HEAD").splitlines()
    assert stage.start("01" + "b" * 24, event, source, naming).event["changed_files"] == sorted(changed)


def test_a_pull_request_from_a_fork_gives_the_files_of_the_fork_which_is_read_without_a_token(
    folder: Path, address: str
) -> None:
    fork = Repository(folder / "fork")
    commit = fork.commit({"a.txt": "of the fork"})
    stage = Stage(f"{address}/one")
    event = PullRequest(
        number=7,
        title="a change",
        repository="eve/one",
        repository_url=fork.url,
        ref="refs/heads/main",
        commit=commit,
        base_repository="acme/one",
        base_url=f"{address}/one",
        base_ref="refs/heads/main",
        base_commit="",
        fork=True,
    )

    run = stage.start("01" + "a" * 24, event, stage.source(event))

    stored = stage.specs(run)["build"].inputs[0].stored
    assert stored is not None
    assert members(stage.content(stored)) == {"a.txt": (0o644, "of the fork")}
    assert (stage.fetched, stage.asked_tokens) == ([(fork.url, None)], [None])

    private = replace(event, repository_url=f"{address}/fork")
    refused = stage.start("01" + "b" * 24, private, stage.source(private))
    assert refused.state == RunState.FAILED
    assert "access token" in (refused.cause or "")


def test_a_commit_that_cannot_be_fetched_fails_the_run_with_the_reason(address: str, repository: Repository) -> None:
    stage = Stage(f"{address}/one")
    event = pushed("f" * 40)

    run = stage.start("01" + "a" * 24, event, stage.source(event))

    assert run.state == RunState.FAILED
    assert "The files of commit ffffffffffff cannot be given" in (run.cause or "")
    assert "does not have this commit" in (run.cause or "")
    assert stage.setting.chunks.contents == {}
    assert run.plan_sha256 == "", "a rerun of this plan would run in an empty directory"


def test_a_pipeline_without_source_fetches_nothing(address: str, repository: Repository) -> None:
    stage = Stage(f"{address}/one")
    event = pushed(repository.git("rev-parse", "HEAD"))

    run = stage.start("01" + "a" * 24, event, stage.source(event), DOCUMENT.replace(b", source: true", b""))

    assert (run.state, stage.fetched) == (RunState.PENDING, [])


def test_a_document_of_no_repository_is_refused_before_it_is_stored() -> None:
    stage = Stage("https://git.example.com/one")

    with pytest.raises(InvalidDocument) as refused:
        stage.freeze.freeze("acme", "web", DOCUMENT.decode())

    found = refused.value.findings
    assert [(finding.code, finding.severity) for finding in found] == [("no-source", "error")] * 2
    assert all("cadence repository connect" in (finding.hint or "") for finding in found)
    assert stage.setting.documents.contents == {}


def test_a_document_that_may_be_meant_for_a_repository_is_valid_with_a_warning() -> None:
    checked = validate(DOCUMENT, context=Context(no_source=Severity.WARNING))

    assert checked.pipeline is not None
    assert {(finding.code, finding.severity) for finding in checked.findings} == {("no-source", "warning")}
