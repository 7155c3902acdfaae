"""`ProgramStore` on the `access` table: the programs of a project by name."""

from collections.abc import Sequence
from typing import ClassVar

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.access.access_items import AccessTable
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.pipelines.programs import StoredProgram
from cadence.domain.shared.errors import NotFound


class ProgramItem(AccessTable):
    PREFIX: ClassVar[str] = "PROGRAM#"

    sha256 = UnicodeAttribute()
    made_at = UTCDateTimeAttribute()
    made_by = UnicodeAttribute()

    def program(self) -> StoredProgram:
        return StoredProgram(self.sk.removeprefix(self.PREFIX), self.sha256, self.made_at, self.made_by)


class DynamoProgramStore:
    def __init__(self, table_name: str) -> None:
        bind(ProgramItem, table_name)

    def put_program(self, organization: str, project: str, program: StoredProgram) -> None:
        item = ProgramItem(
            _key(organization, project),
            ProgramItem.PREFIX + program.name,
            sha256=program.sha256,
            made_at=program.created_at,
            made_by=program.created_by,
        )
        with translated(f"program {program.name}"):
            item.save()

    def get_program(self, organization: str, project: str, name: str) -> StoredProgram:
        try:
            with translated(f"program {name}"):
                key = _key(organization, project)
                return ProgramItem.get(key, ProgramItem.PREFIX + name, consistent_read=True).program()
        except ProgramItem.DoesNotExist:
            raise NotFound(f"There is no program {name!r} in this project.") from None

    def list_programs(self, organization: str, project: str) -> Sequence[StoredProgram]:
        with translated("programs"):
            prefix = ProgramItem.sk.startswith(ProgramItem.PREFIX)
            items = ProgramItem.query(_key(organization, project), prefix, consistent_read=True)
            return [item.program() for item in items]

    def delete_program(self, organization: str, project: str, name: str) -> None:
        with translated(f"program {name}"):
            ProgramItem(_key(organization, project), ProgramItem.PREFIX + name).delete()


def _key(organization: str, project: str) -> str:
    return f"PROJECT#{organization}#{project}"
