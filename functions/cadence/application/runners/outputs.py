"""Commits chunks that a producer has uploaded, and permits it to upload more."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cadence.application.runners.inputs import ChunkUrl
from cadence.application.runners.ports import StreamStore
from cadence.application.shared.run_ports import WakeUps
from cadence.application.shared.runner_ports import RunnerStore, Specs
from cadence.application.shared.value_ports import DataUrls, StoredObject, upload_headers
from cadence.domain.runners.runner import Runner, RunnerState
from cadence.domain.shared import ids
from cadence.domain.shared.errors import Conflict, NotFound, Transient
from cadence.domain.values.stream import (
    Chunk,
    StreamEnd,
    StreamProgress,
    check_chunk,
    check_digest,
    retry_after,
    upload_credit,
)
from cadence.domain.values.value_retention import bucket_of

# How far beyond the committed chunks an upload may be, whatever the agent requests.
_MAX_UNCOMMITTED = 64
_COMMIT_ATTEMPTS = 5


@dataclass(frozen=True)
class OutputAnswer:
    """The chunks that may be uploaded now, and after how many seconds to ask for more (`retry_after`)."""

    uploads: Sequence[ChunkUrl]
    retry_after: float


@dataclass(frozen=True, kw_only=True)
class CommitOutput:
    """Commits the chunks of a runner's output."""

    specs: Specs
    runners: RunnerStore
    streams: StreamStore
    urls: DataUrls
    wake_ups: WakeUps
    reserve: Callable[[str, str, int], None]
    """Counts bytes as kept by a project of an organization. Raises TooLarge beyond its storage quota."""
    stored: Callable[[Sequence[str]], Sequence[StoredObject | None]]
    """Returns what the bucket has at each of these addresses."""
    notify: Callable[[str, str], None]
    """Announces that a stream of an organization's run flows."""

    def commit(
        self,
        runner: Runner,
        port: str,
        committed: Sequence[Chunk],
        end: StreamEnd | None,
        next_seq: int,
        wanted: Sequence[Chunk],
        *,
        kept: bool = False,
        seen: StreamProgress | None = None,
    ) -> OutputAnswer:
        """Commits chunks and the stream's `end`, and grants uploads of the chunks `wanted`, which begin at `next_seq`.

        An output of a failed attempt (`kept`) is stored apart from the one that feeds consumers. `seen` is what was
        committed before, as read with the runner (None: it is read). Committing the same chunks again changes nothing.
        Raises NotFound (no such output), Conflict (a gap, chunks that are not in the bucket as they were reported, or
        an end that does not fit them), TooLarge (the storage quota is reached) and Transient (another request is
        committing).
        """
        spec = self.specs(runner.run_id, runner.treatment)
        output = next((declared for declared in spec.outputs if declared.port == port), None)
        if output is None:
            raise NotFound(f"{runner.treatment} has no output {port}.")
        if kept:
            port = ids.kept_port(port)
        if end and runner.retention:
            end = dataclasses.replace(end, preview=b"")  # it would be kept in the installation's tables
        bucket = bucket_of(runner.retention)
        key = partial(ids.chunk_key, runner.run_id, runner.treatment, runner.attempt, port, bucket=bucket)
        progress = self._commit(runner, port, key, committed, end, seen)
        if committed or end:
            for group in () if kept else output.grows:
                self.wake_ups.wake(runner.run_id, group)
            if output.flow == "stream" and not kept:
                self.notify(runner.organization, runner.run_id)
        if progress.end is not None or not wanted:
            return OutputAnswer((), 0.0)
        want = max(0, min(len(wanted), progress.next_seq + _MAX_UNCOMMITTED - next_seq))
        # A block has no consumers before it has ended.
        positions = () if output.flow == "block" else self._positions(runner.runner_id, port, next_seq + want)
        granted = upload_credit(want, next_seq, positions)
        self.reserve(runner.organization, runner.project, sum(chunk.size for chunk in wanted[:granted]))
        uploads = [signed_upload(self.urls, key(chunk.seq), chunk) for chunk in wanted[:granted]]
        return OutputAnswer(uploads, 0.0 if granted else retry_after(next_seq - min(positions, default=next_seq)))

    def _commit(
        self,
        runner: Runner,
        port: str,
        key: Callable[[int], str],
        committed: Sequence[Chunk],
        end: StreamEnd | None,
        seen: StreamProgress | None,
    ) -> StreamProgress:
        for _ in range(_COMMIT_ATTEMPTS):
            progress = seen or self.streams.get_progress(runner.runner_id, port)
            seen = None
            fresh = progress.new_chunks(committed)
            if progress.end is not None and end is not None and progress.end != end:
                raise Conflict("The stream has already ended, with another end.")
            if not fresh and (end is None or progress.end is not None):
                return progress
            after = StreamProgress(
                progress.next_seq + len(fresh), progress.size + sum(chunk.size for chunk in fresh), progress.end
            )
            if end is not None:
                after.check_end(end)
                check_digest(end, self._first_chunk(runner, port, fresh))
            self._check_stored(key, fresh)
            try:
                return self.streams.commit(runner.runner_id, port, progress, fresh, end)
            except Conflict:
                continue  # the same agent's repeated request came first: read what it has committed
        raise Transient(f"Output {port} is being committed by another request.")

    def _check_stored(self, key: Callable[[int], str], chunks: Sequence[Chunk]) -> None:
        for chunk, stored in zip(chunks, self.stored([key(chunk.seq) for chunk in chunks]), strict=True):
            check_chunk(chunk, stored.size if stored else None, stored.sha256 if stored else None)

    def _first_chunk(self, runner: Runner, port: str, fresh: Sequence[Chunk]) -> str:
        """Returns the digest of the stream's first chunk; of an empty stream it is the empty chunk."""
        known = fresh if fresh and fresh[0].seq == 0 else self.streams.list_chunks(runner.runner_id, port, 0, 1)
        return known[0].sha256

    def _positions(self, runner_id: str, port: str, up_to: int) -> Sequence[int]:
        """Returns the next chunk of each attached consumer; detaches those that hold the producer back but are gone."""
        positions = []
        for consumer_id, position in self.streams.consumers(runner_id, port).items():
            if upload_credit(1, up_to - 1, [position]) == 0 and not self._attached(consumer_id):
                self.streams.remove_consumer(runner_id, port, consumer_id)
                continue
            positions.append(position)
        return positions

    def _attached(self, consumer_id: str) -> bool:
        try:
            return self.runners.get_runner(consumer_id).state is RunnerState.CLAIMED
        except NotFound:
            return False


def signed_upload(urls: DataUrls, key: str, chunk: Chunk) -> ChunkUrl:
    """Returns the URL to upload one chunk to, which accepts that chunk only, and the headers to send with it."""
    return ChunkUrl(chunk.seq, urls.upload(key, chunk.size, chunk.sha256), upload_headers(chunk.sha256))
