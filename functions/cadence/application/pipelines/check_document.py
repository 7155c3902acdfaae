"""Checks a document against what it may refer to in its project, and freezes a valid one into a run request."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from cadence.application.pipelines.fetch_libraries import LibrarySource, OwnFiles
from cadence.application.pipelines.invalid_document import InvalidDocument
from cadence.application.pipelines.plan_run import with_plan
from cadence.application.pipelines.programs import Programs
from cadence.application.pipelines.run_request import RunRequest, Unplanned
from cadence.application.shared.ports import Documents, PoolStore
from cadence.application.shared.secret_ports import SecretDescription
from cadence.domain.limits.environment_set import EnvironmentSet
from cadence.domain.melodium.stored_program import ProgramFacts
from cadence.domain.pipelines.document import (
    OF_FILES,
    Checked,
    Context,
    Pipeline,
    PoolOffer,
    Reference,
    Severity,
    Unavailable,
    bind_parameters,
    validate,
)
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.domain.placement.pool import Pool
from cadence.domain.shared.errors import InvalidRequest, Violation


class SecretNames(Protocol):
    """Lists secrets."""

    def names(self, organization: str, project: str) -> Sequence[SecretDescription]:
        """Describes every secret of the project's own."""

    def shared(self, organization: str) -> Sequence[SecretDescription]:
        """Describes every secret of the organization, its teams and its pools."""


class Environments(Protocol):
    """Lists the environments of a project."""

    def list_environments(self, organization: str, project: str) -> Sequence[EnvironmentSet]:
        """Returns the environments of the project."""


def usable_secrets(
    secrets: SecretNames, organization: str, project: str, pools: Collection[str]
) -> Sequence[SecretDescription]:
    """Describes a project's own secrets, then those that are given to it. `pools` are those that it may use."""
    given = [one for one in secrets.shared(organization) if one.known.is_given_to(project, pools)]
    return [*secrets.names(organization, project), *given]


@dataclass(frozen=True, kw_only=True)
class CheckDocument:
    """Checks documents against their project."""

    pools: PoolStore
    secrets: SecretNames
    libraries: LibrarySource
    environments: Environments
    programs: Programs

    def check(
        self,
        organization: str,
        project: str,
        source: str,
        programs: Mapping[str, str] = MappingProxyType({}),
        own_files: OwnFiles | None = None,
        *,
        with_token: bool = True,
        sees_pool: Callable[[str], bool] = lambda _: False,
    ) -> Checked:
        """Returns all findings at once; never raises for the document's content.

        `programs` are digests by the names that the document uses for them, `own_files` those of its repository.
        `with_token` states that repositories may be read with the project's access tokens, `sees_pool` whether the
        caller may know of a pool that is not given to the project.
        """
        context = self.context(
            organization, project, source, programs, own_files, with_token=with_token, sees_pool=sees_pool
        )
        return validate(source, context=context)

    def context(
        self,
        organization: str,
        project: str,
        source: str,
        programs: Mapping[str, str] = MappingProxyType({}),
        own_files: OwnFiles | None = None,
        *,
        with_token: bool = True,
        sees_pool: Callable[[str], bool] = lambda _: False,
    ) -> Context:
        """Returns what the project has now, and the libraries and programs that the document names.

        Raises Transient if the files of the document's repository cannot be read now.
        """
        listed = self.pools.list_pools(organization)
        pools = {pool.name: _offer(pool) for pool in listed if pool.serves(project)}
        return Context(
            secrets=tuple(secret.known for secret in usable_secrets(self.secrets, organization, project, pools)),
            pools=pools,
            other_pools=frozenset(one.name for one in listed if one.name not in pools and sees_pool(one.name)),
            environments={each.name: each for each in self.environments.list_environments(organization, project)},
            libraries=self.libraries(organization, project, source, own_files, with_token=with_token),
            programs=self.programs.named(organization, project, source, programs),
            # The document may lie in a repository that is connected.
            no_source=Severity.WARNING,
            path=None if own_files is None else own_files.path,
        )


def _offer(pool: Pool) -> PoolOffer:
    largest = pool.largest
    return PoolOffer(
        architectures=frozenset(pool.architectures),
        max_cpu=largest.cpu,
        max_memory=largest.memory,
        max_storage=largest.storage,
        images=largest.images,
        max_runners=pool.max_runners,
        residency=pool.policy.residency,
        has_bucket=pool.policy.values.bucket is not None,
    )


@dataclass(frozen=True)
class FreezeDocument:
    """Turns a document into a request that a run can execute.

    The plan is made here if all runs of the document have the same, otherwise when a run starts (`PlanRun`).
    """

    check: CheckDocument
    documents: Documents

    def freeze(
        self,
        organization: str,
        project: str,
        source: str,
        given: Mapping[str, Any] | None = None,
        name: str | None = None,
        programs: Mapping[str, str] = MappingProxyType({}),
        own_files: OwnFiles | None = None,
        gives_source: bool = False,
        is_generated: bool = False,
    ) -> tuple[RunRequest, Pipeline]:
        """Stores the document and returns the request with the checked pipeline.

        `programs` are digests, by the names that the document uses for them, `own_files` those of the document's
        repository; those whose definitions it uses are stored, too. `given` are a run's parameters (None: not
        for a run, so that required ones may be missing); `name` must be the document's own. `gives_source` states that
        its runs receive the files of a commit, `is_generated` that a treatment of a run sent it. Raises InvalidDocument
        before anything is stored, InvalidRequest for another name, and Transient if `own_files` cannot be read now.
        """
        context = self.check.context(organization, project, source, programs, own_files)
        context = replace(context, no_source=None if gives_source else Severity.ERROR, is_generated=is_generated)
        checked = validate(source, context=context)
        if checked.pipeline is None:
            raise InvalidDocument(checked.findings)
        pipeline = checked.pipeline
        if name is not None and pipeline.name != name:
            message = f"The document is named {pipeline.name!r}, but the address says {name!r}. Make them equal."
            raise InvalidRequest(message, [Violation("/document", message, "name_mismatch")])
        bound = bind_parameters(pipeline, given or {})
        if given is not None and bound.findings:
            raise InvalidDocument(bound.findings)
        document_sha256 = self.documents.put(source.encode())
        frozen = RunRequest(
            organization=organization,
            project=project,
            pipeline=pipeline.name,
            document_sha256=document_sha256,
            plan_sha256="",
            max_duration=pipeline.max_duration,
            parameters=bound.values,
            pins={
                **_pins(context.libraries or {}),
                **_program_pins(context.programs or {}),
                **self._own_pins(context, document_sha256),
            },
            unplanned=Unplanned(pipeline, context.environments, context.pools),
        )
        if not pipeline.depends_on_run:
            common_plan = instantiate(pipeline, {}, {}, RunFacts()).plan
            if common_plan is not None:
                frozen = with_plan(frozen, common_plan, self.documents)
        return frozen, pipeline

    def _own_pins(self, context: Context, document_sha256: str) -> Mapping[str, str]:
        """Stores the files of the document's repository that it uses, so that the document can be checked again.

        Returns the pin of the document, from which the paths of these files are read then; none if it uses none.
        """
        libraries = context.libraries or {}
        own = [text for one, text in libraries.items() if one.is_own and isinstance(text, bytes)]
        for text in own:
            self.documents.put(text)
        return {_OF_DOCUMENT + context.path: document_sha256} if own and context.path is not None else {}


def _pins(libraries: Mapping[Reference, bytes | Unavailable]) -> Mapping[str, str]:
    """Returns the digest of each document that was used, which also fixes the version of those named without one."""
    return {
        reference.name: hashlib.sha256(content).hexdigest()
        for reference, content in libraries.items()
        if isinstance(content, bytes)
    }


_OF_PROGRAMS = "program "
_OF_DOCUMENT = "document "


def _program_pins(programs: Mapping[str, ProgramFacts | Unavailable]) -> Mapping[str, str]:
    return {_OF_PROGRAMS + name: facts.sha256 for name, facts in programs.items() if isinstance(facts, ProgramFacts)}


def pinned_programs(pins: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the programs of a document that was frozen before: digests by the names that the document uses."""
    return {name.removeprefix(_OF_PROGRAMS): sha256 for name, sha256 in pins.items() if name.startswith(_OF_PROGRAMS)}


def pins_of_others(pins: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the pins without that of the document itself, which is there for its path."""
    return {name: sha256 for name, sha256 in pins.items() if not name.startswith(_OF_DOCUMENT)}


def pins_of_sent(pins: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the pins of what came with a document: programs, and files of its repository."""
    return {name: sha256 for name, sha256 in pins.items() if name.startswith((_OF_PROGRAMS, OF_FILES, _OF_DOCUMENT))}


def pinned_files(pins: Mapping[str, str], documents: Documents) -> OwnFiles | None:
    """Returns the files of the repository of a document that was frozen before, as it used them then."""
    path = next((name.removeprefix(_OF_DOCUMENT) for name in pins if name.startswith(_OF_DOCUMENT)), None)
    if path is None:
        return None

    def read(paths: Sequence[str]) -> Mapping[str, bytes | Unavailable]:
        kept = {path: pins.get(Reference(path=path).name) for path in paths}
        return {
            path: documents.get(sha256) if sha256 else Unavailable("it was not used when the document was stored")
            for path, sha256 in kept.items()
        }

    return OwnFiles(path, read)


def sent_files(path: str | None, texts: Mapping[str, str]) -> OwnFiles | None:
    """Returns the files that were sent with a document, by their paths from the root of its repository."""
    if path is None:
        return None

    def read(paths: Sequence[str]) -> Mapping[str, bytes | Unavailable]:
        return {
            path: texts[path].encode() if path in texts else Unavailable("it was not sent with the document")
            for path in paths
        }

    return OwnFiles(path, read)
