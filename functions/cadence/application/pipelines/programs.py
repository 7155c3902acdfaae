"""Stores Mélodium programs of a project by content, under names, and reads them for the documents that use them."""

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
    """The program that a name means now; earlier ones stay stored under their digests."""

    name: str
    sha256: str
    created_at: datetime
    created_by: str


class ProgramStore(Protocol):
    """The named programs of projects."""

    def put_program(self, organization: str, project: str, program: StoredProgram) -> None:
        """Creates or replaces a name."""

    def get_program(self, organization: str, project: str, name: str) -> StoredProgram:
        """Returns a program by name. Raises NotFound."""

    def list_programs(self, organization: str, project: str) -> Sequence[StoredProgram]:
        """Returns all named programs of the project."""

    def delete_program(self, organization: str, project: str, name: str) -> None:
        """Deletes a name. Deleting an absent one is no error."""


@dataclass(frozen=True)
class SentProgram:
    """A script, a `.jeu` package or a tar archive, in base64; `filename` is the name of a script."""

    content: str
    filename: str = "program.mel"


@dataclass(frozen=True)
class Programs:
    """Stores and reads programs."""

    store: ProgramStore
    documents: Documents
    clock: Clock

    def keep(self, sent: SentProgram) -> ProgramFacts:
        """Stores a program under its digest only. Raises InvalidRequest for content that is no program."""
        program = program_of(files_in(from_base64(sent.content), sent.filename))
        self.documents.put(program.encoded())
        return facts_of(program)

    def put(
        self, organization: str, project: str, name: str, sent: SentProgram, by: str
    ) -> tuple[StoredProgram, ProgramFacts]:
        """Stores a program under a name. Raises InvalidRequest for content that is no program."""
        facts = self.keep(sent)
        stored = StoredProgram(name, facts.sha256, self.clock(), by)
        self.store.put_program(organization, project, stored)
        return stored, facts

    def facts(self, sha256: str) -> ProgramFacts:
        """Returns the facts about a stored program. Raises NotFound."""
        return facts_of(decoded(self.documents.get(sha256)))

    def kept(self, sent: Mapping[str, SentProgram]) -> Mapping[str, str]:
        """Stores the programs that came with a document; returns their digests by the names that the document uses."""
        return {name: self.keep(each).sha256 for name, each in sent.items()}

    def named(
        self, organization: str, project: str, source: str, given: Mapping[str, str]
    ) -> Mapping[str, ProgramFacts | Unavailable]:
        """Returns the programs that a document names: those of `given` (digests), else those that the project has now.

        Raises InvalidRequest for a stored program that is not valid.
        """
        programs: dict[str, ProgramFacts | Unavailable] = {}
        for name in programs_named(source):
            try:
                sha256 = given.get(name) or self.store.get_program(organization, project, name).sha256
                programs[name] = self.facts(sha256)
            except InvalidRequest:
                raise
            except CadenceError as error:
                programs[name] = Unavailable(error.message.rstrip("."))
        return programs
