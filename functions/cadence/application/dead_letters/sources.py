"""Lists, redrives and discards the dead letters of all parts of an installation."""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from cadence.application.alerts.ports import AlertNotifier, ChannelReader, DeadLetterMessages
from cadence.application.dead_letters.ports import DeadLetterSource, Redrive, Sees
from cadence.application.exports.ports import Backlog, ExportStore, ExportWork
from cadence.application.logs.ports import StrayRecords
from cadence.application.search.split_ports import SplitCatalogue
from cadence.application.shared.ports import Clock
from cadence.domain.access.access import ALL_PROJECTS
from cadence.domain.dead_letters.dead_letter import DeadLetter, DeadLetterKind
from cadence.domain.exports.export import Export, ExportBatch
from cadence.domain.shared.errors import NotFound

ReadBytes = Callable[[str, int, int], bytes]
"""Returns bytes of an object of the data bucket, by (key, offset, length). Raises NotFound."""

MOST = 1_000
"""The most dead letters of a kind that are read."""
_GZIP = 31
_HANDLED = "The dead letter has been redriven or discarded meanwhile."


@dataclass(frozen=True)
class DeadLetters:
    """All dead-letter sources as one."""

    sources: Mapping[DeadLetterKind, DeadLetterSource]

    def list(self, organization: str, sees: Sees, kind: DeadLetterKind | None = None) -> Sequence[DeadLetter]:
        """Returns the oldest first, at most 1,000 of each kind."""
        kinds = [kind] if kind else list(self.sources)
        letters = [dead_letter for each in kinds for dead_letter in self.sources[each].list(organization, sees, MOST)]
        return sorted(letters, key=lambda dead_letter: (dead_letter.at, dead_letter.dead_letter_id))

    def get(self, organization: str, sees: Sees, dead_letter_id: str) -> DeadLetter:
        """Returns a dead letter. Raises NotFound, in the same words if the caller does not see it."""
        kind = dead_letter_id.partition("-")[0]
        if kind in set(DeadLetterKind):
            for dead_letter in self.list(organization, sees, DeadLetterKind(kind)):
                if dead_letter.dead_letter_id == dead_letter_id:
                    return dead_letter
        raise NotFound(f"There is no dead letter {dead_letter_id!r} here.")

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        """Returns its first `most` bytes. Raises NotFound if they are not kept any more."""
        return self.sources[dead_letter.kind].content(organization, dead_letter, most)

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        """Requests another try, without waiting for it."""
        self.sources[dead_letter.kind].redrive(organization, dead_letter)

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        """Removes it for good."""
        self.sources[dead_letter.kind].discard(organization, dead_letter)


@dataclass(frozen=True)
class SegmentSource(DeadLetterSource):
    """Dead letters of indexing: segments whose lines are in their runs' logs, but which search does not find."""

    catalogue: SplitCatalogue
    projects: Callable[[str], Iterable[str]]
    read: ReadBytes
    asking: Redrive

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        return [
            DeadLetter(
                kind=DeadLetterKind.SEGMENT,
                key=(project, skipped.segment.run_id, str(skipped.segment.number)),
                project=project,
                at=skipped.at,
                what=f"segment {skipped.segment.number} of run {skipped.segment.run_id}, {skipped.segment.lines} lines",
                cause=skipped.cause,
            )
            for project in self.projects(organization)
            if sees(project)
            for skipped in islice(self.catalogue.list_skipped_segments(organization, project), limit)
        ]

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        project, run_id, number = dead_letter.key
        for skipped in self.catalogue.list_skipped_segments(organization, project):
            if (skipped.segment.run_id, str(skipped.segment.number)) == (run_id, number):
                stored = self.read(skipped.segment.key, 0, most)
                try:
                    return zlib.decompressobj(_GZIP).decompress(stored, most)
                except zlib.error:
                    return stored
        raise NotFound(_HANDLED)

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        project, run_id, number = dead_letter.key
        self.asking.index_segments(organization, project, [(run_id, int(number))])

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        project, run_id, number = dead_letter.key
        for skipped in self.catalogue.list_skipped_segments(organization, project):
            if (skipped.segment.run_id, str(skipped.segment.number)) == (run_id, number):
                self.catalogue.discard(skipped.segment)


@dataclass(frozen=True)
class RecordSource(DeadLetterSource):
    """Dead letters of the log stream: records that could not be written."""

    records: StrayRecords
    asking: Redrive

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        return [
            DeadLetter(
                kind=DeadLetterKind.RECORD,
                key=(record.number,),
                project=record.project,
                at=record.at,
                what=f"record of {record.size} bytes, sent under {record.run_id[:40]!r}",
                cause=record.cause,
            )
            for record in self.records.list(organization, limit)
            if sees(record.project)
        ]

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        return self.records.content(self.records.get(organization, dead_letter.key[0]))[:most]

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        self.asking.write_records(organization, [dead_letter.key[0]])

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        self.records.remove(self.records.get(organization, dead_letter.key[0]))


@dataclass(frozen=True)
class ExportSource(DeadLetterSource):
    """Dead letters of exports."""

    exports: ExportStore
    backlog: Backlog
    work: ExportWork
    clock: Clock

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        return [
            DeadLetter(
                kind=DeadLetterKind.EXPORT,
                key=(export.name, parcel.key),
                project=_owner(export),
                at=parcel.since,
                what=_description(export, parcel),
                cause=parcel.error or "The receiver refused it.",
            )
            for export in self.exports.list_exports(organization)
            if sees(_owner(export))
            for parcel in self.backlog.dead_letters(export, limit)
        ]

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        _, parcel = self._parcel(organization, dead_letter)
        if parcel.event is not None:
            return json.dumps(parcel.event, indent=1).encode()[:most]
        return parcel.request.body[:most] if parcel.request else b""

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        export, parcel = self._parcel(organization, dead_letter)
        self.backlog.revive(export, self.clock(), [parcel])
        self.work.drain(export, timedelta())

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        export, parcel = self._parcel(organization, dead_letter)
        self.backlog.drop(export, [parcel])

    def _parcel(self, organization: str, dead_letter: DeadLetter) -> tuple[Export, ExportBatch]:
        name, key = dead_letter.key
        export = self.exports.get_export(organization, name)
        for parcel in self.backlog.dead_letters(export, MOST):
            if parcel.key == key:
                return export, parcel
        raise NotFound(_HANDLED)


@dataclass(frozen=True)
class MessageSource(DeadLetterSource):
    """Dead letters of alerts: messages that their channels refused."""

    channels: ChannelReader
    messages: DeadLetterMessages
    notifier: AlertNotifier

    def list(self, organization: str, sees: Sees, limit: int) -> Sequence[DeadLetter]:
        return [
            DeadLetter(
                kind=DeadLetterKind.MESSAGE,
                key=(*channel.key, waiting.position),
                project=channel.project,
                at=waiting.message.made_at,
                what=f"message to {channel.name}: {waiting.message.title}",
                cause=self.messages.get_delivery(channel.key).last_error or "The channel refused it again and again.",
            )
            for channel in self.channels.list_channels(organization)
            if sees(channel.project)
            for waiting in self.messages.list_dead_letters(channel.key, limit)
        ]

    def content(self, organization: str, dead_letter: DeadLetter, most: int) -> bytes:
        *key, position = dead_letter.key
        for waiting in self.messages.list_dead_letters((key[0], key[1], key[2]), MOST):
            if waiting.position == position:
                return json.dumps(waiting.message.to_json(), indent=1).encode()[:most]
        raise NotFound(_HANDLED)

    def redrive(self, organization: str, dead_letter: DeadLetter) -> None:
        organization, project, name, position = dead_letter.key
        self.messages.take_back((organization, project, name), position)
        self.notifier.deliver((organization, project, name), timedelta())

    def discard(self, organization: str, dead_letter: DeadLetter) -> None:
        organization, project, name, position = dead_letter.key
        self.messages.discard((organization, project, name), position)


def _owner(export: Export) -> str:
    return export.projects[0] if len(export.projects) == 1 else ALL_PROJECTS


def _description(export: Export, parcel: ExportBatch) -> str:
    content = f"event {parcel.event['id']}" if parcel.event else "push of metrics"
    return f"{content} for {export.name}"
