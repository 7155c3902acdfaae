"""`HeadStore` on the `repositories` table."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cadence.adapters.aws.clients import client
from cadence.adapters.dynamodb.shared.plain_items import Item, plain, query, refusals, wired
from cadence.application.repositories.ports import HeadStore, RepositoryLook
from cadence.domain.repositories.heads import DeliveryKey, KnownHead
from cadence.domain.shared.errors import Conflict, Transient

_KEPT = timedelta(days=90)
_RENEWED_BELOW = timedelta(days=60)
_LOOKS = "LOOKS"
_MOST_READ = 100
_MOST_TRIES = 5


class DynamoHeads(HeadStore):
    def __init__(self, table_name: str) -> None:
        self._table = table_name

    def identify(self, repository_id: str, head: str, key: DeliveryKey) -> KnownHead:
        item = {**_key(repository_id, head), **_stored(key), **_expiry(key.first_seen)}
        try:
            self._put(item, "attribute_not_exists(pk)")
        except Conflict:
            return self._identified(repository_id, head, key)
        return KnownHead(key=key, done=False)

    def _identified(self, repository_id: str, head: str, key: DeliveryKey) -> KnownHead:
        stored = self._get(repository_id, head)
        if stored is None:
            raise Transient(f"The head {head} changes at this moment.", retry_after=1.0)
        known = _known(stored)
        if key.reconciled or known.key == key:
            return known
        own = KnownHead(key=key, done=False)
        if not known.key.reconciled or stored.get("met_by", key.delivery_id) != key.delivery_id:
            return own
        try:
            self._update(
                _key(repository_id, head),
                "SET met_by = :delivery",
                "attribute_not_exists(met_by) OR met_by = :delivery",
                {":delivery": key.delivery_id},
            )
        except Conflict:
            return own  # another webhook brought this head at the same moment
        return known

    def mark_done(self, repository_id: str, head: str) -> None:
        self._update(_key(repository_id, head), "SET done = :true", "attribute_exists(pk)", {":true": True})

    def known(self, repository_id: str, heads: Iterable[str]) -> Mapping[str, KnownHead]:
        names = {str(_key(repository_id, head)["sk"]): head for head in heads}
        found: dict[str, KnownHead] = {}
        for sort_keys in _parts(names, _MOST_READ):
            for item in self._read([{"pk": _partition(repository_id), "sk": sort_key} for sort_key in sort_keys]):
                found[names[str(item["sk"])]] = _known(item)
                self._renew(item)
        return found

    def add_known(self, repository_id: str, heads: Iterable[str], at: datetime) -> None:
        for head in heads:
            key = DeliveryKey(delivery_id="", number=0, first_seen=at)
            item = {**_key(repository_id, head), **_stored(key), **_expiry(at), "done": True}
            try:
                self._put(item, "attribute_not_exists(pk)")
            except Conflict:
                continue  # it is known

    def list_looks(self) -> Sequence[RepositoryLook]:
        return [
            RepositoryLook(
                repository_id=item["sk"], looked_at=_time(item.get("looked_at")), retry_at=_time(item.get("retry_at"))
            )
            for item in query(self._table, _LOOKS, "")
        ]

    def note_look(self, look: RepositoryLook) -> None:
        times = {"looked_at": _text(look.looked_at), "retry_at": _text(look.retry_at)}
        self._put({"pk": _LOOKS, "sk": look.repository_id, **times})

    def forget(self, repository_id: str) -> None:
        with refusals(repository_id):
            client("dynamodb").delete_item(TableName=self._table, Key=wired({"pk": _LOOKS, "sk": repository_id}))

    def _renew(self, item: Mapping[str, Any]) -> None:
        """Keeps a head that is still one: otherwise its event would be missing once it is no longer kept."""
        now = datetime.now(UTC)
        if item["expires_at"] < int((now + _RENEWED_BELOW).timestamp()):
            key = {"pk": item["pk"], "sk": item["sk"]}
            expiry = int((now + _KEPT).timestamp())
            self._update(key, "SET expires_at = :expiry", "attribute_exists(pk)", {":expiry": expiry})

    def _read(self, keys: Sequence[Item]) -> Iterator[dict[str, Any]]:
        waiting: Any = {self._table: {"Keys": [wired(key) for key in keys], "ConsistentRead": True}}
        for _ in range(_MOST_TRIES):
            with refusals("heads"):
                page = client("dynamodb").batch_get_item(RequestItems=waiting)
            yield from map(plain, page["Responses"].get(self._table, ()))
            waiting = page.get("UnprocessedKeys")
            if not waiting:
                return
        raise Transient("The table of heads is busy.", retry_after=5.0)

    def _get(self, repository_id: str, head: str) -> dict[str, Any] | None:
        with refusals(head):
            answer = client("dynamodb").get_item(
                TableName=self._table, Key=wired(_key(repository_id, head)), ConsistentRead=True
            )
        return plain(answer["Item"]) if "Item" in answer else None

    def _put(self, item: Item, condition: str | None = None) -> None:
        more = {"ConditionExpression": condition} if condition else {}
        with refusals(str(item["sk"])):
            client("dynamodb").put_item(TableName=self._table, Item=wired(item), **more)

    def _update(self, key: Item, change: str, condition: str, values: Item) -> None:
        with refusals(str(key["sk"])):
            client("dynamodb").update_item(
                TableName=self._table,
                Key=wired(key),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=wired(values),
            )


def _partition(repository_id: str) -> str:
    return f"HEADS#{repository_id}"


def _key(repository_id: str, head: str) -> Item:
    return {"pk": _partition(repository_id), "sk": hashlib.sha256(head.encode()).hexdigest()}


def _stored(key: DeliveryKey) -> Item:
    return {"delivery_id": key.delivery_id, "number": key.number, "first_seen": key.first_seen.isoformat()}


def _known(item: Mapping[str, Any]) -> KnownHead:
    first_seen = datetime.fromisoformat(item["first_seen"])
    key = DeliveryKey(delivery_id=item["delivery_id"], number=item["number"], first_seen=first_seen)
    return KnownHead(key=key, done=bool(item.get("done")))


def _expiry(at: datetime) -> Item:
    return {"expires_at": int((at + _KEPT).timestamp())}


def _parts(names: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(names)
    while part := list(islice(rest, size)):
        yield part


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
