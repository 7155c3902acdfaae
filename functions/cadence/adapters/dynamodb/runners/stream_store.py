"""`StreamStore` on the `runners` table."""

from collections.abc import Mapping, Sequence
from typing import Any

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from cadence.adapters.dynamodb.runners.runner_items import (
    ITEMS,
    ChunksItem,
    ConsumerItem,
    OutputItem,
    expiry,
    runner_partition,
)
from cadence.adapters.dynamodb.shared.binding import bind, transaction_connection
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.values.stream import Chunk, StreamEnd, StreamProgress

_CHUNKS_PER_ITEM = 64


class DynamoStreamStore:
    def __init__(self, table_name: str) -> None:
        for model in ITEMS:
            bind(model, table_name)
        self._connection = transaction_connection()

    def get_progress(self, runner_id: str, port: str) -> StreamProgress:
        try:
            with translated(_stream(runner_id, port)):
                return OutputItem.get(*OutputItem.key(runner_id, port), consistent_read=True).progress()
        except DoesNotExist:
            return StreamProgress()

    def commit(
        self, runner_id: str, port: str, seen: StreamProgress, chunks: Sequence[Chunk], end: StreamEnd | None
    ) -> StreamProgress:
        after = StreamProgress(
            seen.next_seq + len(chunks), seen.size + sum(chunk.size for chunk in chunks), end or seen.end
        )
        actions: list[Any] = [
            OutputItem.next_seq.set(after.next_seq),
            OutputItem.size.set(after.size),
            OutputItem.expires_at.set(expiry()),
        ]
        if end is not None:
            actions += [
                OutputItem.sha256.set(end.sha256),
                OutputItem.chunks.set(end.chunks),
                OutputItem.preview.set(end.preview),
            ]
        with translated(_stream(runner_id, port)), TransactWrite(connection=self._connection) as transaction:
            transaction.update(OutputItem(*OutputItem.key(runner_id, port)), actions, _as_seen(seen))
            for first in range(0, len(chunks), _CHUNKS_PER_ITEM):
                transaction.save(ChunksItem.of(runner_id, port, list(chunks[first : first + _CHUNKS_PER_ITEM])))
        return after

    def list_chunks(self, runner_id: str, port: str, from_seq: int, limit: int) -> Sequence[Chunk]:
        # An item holds at most 64 chunks, so one that holds `from_seq` begins at most 63 before it.
        first = ChunksItem.sort_key(port, max(0, from_seq - _CHUNKS_PER_ITEM + 1))
        last = ChunksItem.sort_key(port, from_seq + limit)
        chunks: list[Chunk] = []
        with translated(_stream(runner_id, port)):
            for item in ChunksItem.query(runner_partition(runner_id), ChunksItem.sk.between(first, last)):
                chunks += (chunk for chunk in item.chunk_list() if chunk.seq >= from_seq)
                if len(chunks) >= limit:
                    break
        return chunks[:limit]

    def note_consumer(self, runner_id: str, port: str, consumer_id: str, next_seq: int) -> None:
        with translated(_stream(runner_id, port)):
            ConsumerItem(*ConsumerItem.key(runner_id, port, consumer_id), next_seq=next_seq, expires_at=expiry()).save()

    def remove_consumer(self, runner_id: str, port: str, consumer_id: str) -> None:
        with translated(_stream(runner_id, port)):
            ConsumerItem(*ConsumerItem.key(runner_id, port, consumer_id)).delete()

    def consumers(self, runner_id: str, port: str) -> Mapping[str, int]:
        prefix = ConsumerItem.prefix(port)
        with translated(_stream(runner_id, port)):
            items = ConsumerItem.query(
                runner_partition(runner_id), ConsumerItem.sk.startswith(prefix), consistent_read=True
            )
            return {item.sk.removeprefix(prefix): int(item.next_seq) for item in items}


def _stream(runner_id: str, port: str) -> str:
    return f"output {port} of runner {runner_id}"


def _as_seen(seen: StreamProgress) -> Condition:
    if seen.next_seq == 0:
        nothing_yet: Condition = OutputItem.pk.does_not_exist()
        return nothing_yet
    unchanged: Condition = (OutputItem.next_seq == seen.next_seq) & OutputItem.sha256.does_not_exist()
    return unchanged
