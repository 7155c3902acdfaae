"""What a deletion notes about items before they go, so that what they lead to is found after an interruption, too."""

from collections.abc import Iterable

from cadence.adapters.dynamodb.deletion.stored_keys import delete_items, put_keys, query_items


class DynamoDeletionNotes:
    """Implements DeletionNotes: items of the partition `DELETION#{org}#{project}` of the table `access`."""

    def __init__(self, access_table: str) -> None:
        self._table = access_table

    def note(self, organization: str, project: str, kind: str, names: Iterable[str]) -> None:
        """Notes names of one kind. Raises Transient; safe to repeat."""
        partition = _partition(organization, project)
        put_keys(self._table, ((partition, f"{kind}#{name}") for name in sorted(names)))

    def noted(self, organization: str, project: str, kind: str) -> frozenset[str]:
        """Returns the names of one kind."""
        prefix = f"{kind}#"
        items = query_items(self._table, _partition(organization, project), prefix)
        return frozenset(str(item["sk"]).removeprefix(prefix) for item in items)

    def forget(self, organization: str, project: str, kind: str) -> None:
        """Removes the notes of one kind."""
        partition = _partition(organization, project)
        delete_items(self._table, ((partition, f"{kind}#{name}") for name in self.noted(organization, project, kind)))


def _partition(organization: str, project: str) -> str:
    return f"DELETION#{organization}#{project}"
