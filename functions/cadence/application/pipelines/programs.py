"""Mélodium programs of a project: kept by their content, under names, and read for the documents that use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cadence.application.shared.ports import Clock, Documents
from cadence.domain.melodium.archive import files_in
from cadence.domain.melodium.stored_program import ProgramFacts, decoded, facts_of, from_base64, program_of
from cadence.domain.pipelines.document import Unavailable, programs_named
from cadence.domain.shared.errors import CadenceError, InvalidRequest


@dataclass(frozen=True)
class StoredProgram:
    """What a name means now; what it meant before stays under its digest."""

    name: str
    sha256: str
    created_at: datetime
    created_by: str


class ProgramStore(Protocol):
    def put_program(self, organization: str, project: str, program: StoredProgram) -> None: ...

    def get_program(self, organization: str, project: str, name: str) -> StoredProgram:
        """Raises NotFound."""

    def list_programs(self, organization: str, project: str) -> Sequence[StoredProgram]: ...


@dataclass(frozen=True)
class SentProgram:
    """A script, a `.jeu` package or a tar archive, in base64; `filename` is what a script is called."""

    content: str
    filename: str = "program.mel"


@dataclass(frozen=True)
class Programs:
    store: ProgramStore
    documents: Documents
    clock: Clock

    def keep(self, sent: SentProgram) -> ProgramFacts:
        """By its digest only. Raises InvalidRequest for what is no program."""
        program = program_of(files_in(from_base64(sent.content), sent.filename))
        self.documents.put(program.encoded())
        return facts_of(program)

    def put(
        self, organization: str, project: str, name: str, sent: SentProgram, by: str
    ) -> tuple[StoredProgram, ProgramFacts]:
        """Raises InvalidRequest."""
        facts = self.keep(sent)
        stored = StoredProgram(name, facts.sha256, self.clock(), by)
        self.store.put_program(organization, project, stored)
        return stored, facts

    def facts(self, sha256: str) -> ProgramFacts:
        """Raises NotFound."""
        return facts_of(decoded(self.documents.get(sha256)))

    def kept(self, sent: Mapping[str, SentProgram]) -> Mapping[str, str]:
        """The digests of programs that came with a document, by what it calls them."""
        return {name: self.keep(each).sha256 for name, each in sent.items()}

    def named(
        self, organization: str, project: str, source: str, given: Mapping[str, str]
    ) -> Mapping[str, ProgramFacts | Unavailable]:
        """The programs that a document names: what `given` says (by digest), else those that the project has now."""
        found: dict[str, ProgramFacts | Unavailable] = {}
        for name in programs_named(source):
            try:
                sha256 = given.get(name) or self.store.get_program(organization, project, name).sha256
                found[name] = self.facts(sha256)
            except InvalidRequest:
                raise
            except CadenceError as error:
                found[name] = Unavailable(error.message.rstrip("."))
        return found
