"""Documents and plans, which projects share by their digests: removed unless something of another project names them.

Digests that a project's items name are noted before the items go. At the end the tables are searched for items that
still name them, whosever they are: nothing else tells which projects use a document. Writing a document again renews
its object, so that one that was written a short time ago stays.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from cadence.adapters.dynamodb.deletion.deletion_notes import DynamoDeletionNotes
from cadence.adapters.dynamodb.deletion.run_data import StoredObjects, digests_in, objects_counted
from cadence.adapters.dynamodb.deletion.stored_keys import scan_items
from cadence.adapters.dynamodb.shared.plain_items import Item
from cadence.domain.shared.ids import document_key

_NAMED_IN: Mapping[str, str] = {
    "runs": "#sk = :run OR begins_with(#sk, :spec)",
    "pipelines": "attribute_exists(document_sha256)",
    "access": "begins_with(#sk, :program)",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "runs": {":run": "RUN", ":spec": "SPEC#"},
    "pipelines": {},
    "access": {":program": "PROGRAM#"},
}
_ATTRIBUTES = ("document_sha256", "plan_sha256", "kept_sha256", "pins", "spec", "sha256")


DOCUMENT = "DOCUMENT"


class SharedDocuments:
    """Removes the documents that only a project that is being deleted names."""

    def __init__(self, tables: Mapping[str, str], objects: StoredObjects, notes: DynamoDeletionNotes) -> None:
        self._tables, self._objects, self._notes = tables, objects, notes

    def note(self, organization: str, project: str, digests: Iterable[str]) -> None:
        """Notes digests that items of the project name. Raises Transient."""
        self._notes.note(organization, project, DOCUMENT, digests)

    def remove(self, organization: str, project: str) -> Counter[str]:
        """Removes the noted documents that no item names any more, and the notes. Raises Transient; safe to repeat."""
        unnamed = set(self._notes.noted(organization, project, DOCUMENT))
        if not unnamed:
            return Counter()
        for table in _NAMED_IN:
            for item in self._naming(table):
                unnamed -= digests_in([item])
        counts: Counter[str] = Counter()
        for digest in sorted(unnamed):
            number, size = self._objects.remove_old(document_key(digest))
            counts += objects_counted(number, size) + Counter(documents=number)
        self._notes.forget(organization, project, DOCUMENT)
        return +counts

    def _naming(self, table: str) -> Iterator[Item]:
        condition = _NAMED_IN[table]
        names = {"#sk": "sk"} if "#sk" in condition else {}
        return scan_items(self._tables[table], condition, names, _VALUES[table], _ATTRIBUTES)
