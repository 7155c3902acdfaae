"""`ReportedStore`: an engine's own claims, and the content of its reports, beside its run in the `runs` table."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import (
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from cadence.adapters.dynamodb.runs.run_items import RunItem, RunsTable, partition, run_key
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.runs.ports import EngineStream, ReportedStore
from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.engine_outcome import EngineEvidence
from cadence.domain.shared.errors import Conflict

# DynamoDB counts to 38 digits; an engine has no more chunks than this.
_MOST_CHUNKS = 10**12


class EngineItem(RunsTable):
    SK: ClassVar[str] = "ENGINE"

    reporting_at = UTCDateTimeAttribute(null=True)
    launched_at = UTCDateTimeAttribute(null=True)
    launch_errors = JSONAttribute(null=True)
    ended_at = UTCDateTimeAttribute(null=True)
    ended = UnicodeAttribute(null=True)
    messages = JSONAttribute(null=True)
    logs_chunks = NumberAttribute(null=True)
    debug_chunks = NumberAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    version = UnicodeAttribute(null=True)
    seen_lines = JSONAttribute(null=True)
    seen_events = JSONAttribute(null=True)
    entrypoint = UnicodeAttribute(null=True)
    parameters = JSONAttribute(null=True)
    answered = ListAttribute(null=True, of=UnicodeAttribute)
    answered_at = UTCDateTimeAttribute(null=True)

    def reported(self) -> Reported:
        return Reported(
            reporting_at=self.reporting_at,
            launched_at=self.launched_at,
            launch_errors=tuple(self.launch_errors or ()),
            ended_at=self.ended_at,
            ended=ProcessOutcome(self.ended) if self.ended else None,
            messages=tuple(self.messages or ()),
            logs_chunks=int(self.logs_chunks or 0),
            debug_chunks=int(self.debug_chunks or 0),
            tags=frozenset(self.tags or ()),
            version=self.version,
        )


class DynamoReportedStore(ReportedStore):
    def __init__(self, table_name: str) -> None:
        for model in (RunsTable, RunItem, EngineItem):
            bind(model, table_name)

    def get(self, run_id: str) -> Reported:
        item = self._item(run_id)
        return item.reported() if item else Reported()

    def evidence(self, run_id: str) -> EngineEvidence:
        item = self._item(run_id)
        if item is None:
            return EngineEvidence()
        reported = {**(item.seen_lines or {}), **(item.seen_events or {})}
        return EngineEvidence(**{**reported, "failed_steps": tuple(reported.get("failed_steps", ()))})

    def note_lines(self, run_id: str, chunks: int, errors: int, first_error: str, interrupted: str) -> None:
        reported = {
            "logs_chunks": chunks,
            "errors": errors,
            "first_error": first_error,
            "interrupted": interrupted,
        }
        self._update(run_id, [EngineItem.seen_lines.set(reported)])

    def note_events(self, run_id: str, chunks: int, failed_steps: Sequence[str], *, over: bool) -> None:
        reported = {"debug_chunks": chunks, "failed_steps": list(failed_steps), "over": over}
        self._update(run_id, [EngineItem.seen_events.set(reported)])

    def note_details(self, run_id: str, entrypoint: str, parameters: Mapping[str, str]) -> None:
        self._update(run_id, [EngineItem.entrypoint.set(entrypoint), EngineItem.parameters.set(dict(parameters))])
        with suppress(Conflict), translated(f"run {run_id}"):
            run_key(run_id).update([RunItem.parameters.set(dict(parameters))], condition=RunItem.plan_sha256 == "")

    def entrypoint(self, run_id: str) -> str:
        item = self._item(run_id)
        return (item.entrypoint if item else None) or ""

    def note_start(self, run_id: str, version: str, tags: Iterable[str]) -> None:
        actions: list[Action] = [EngineItem.version.set(version)]
        named = set(tags) - {""}
        if named:
            actions.append(EngineItem.tags.add(named))
        self._update(run_id, actions)

    def note_reporting(self, run_id: str, at: datetime) -> None:
        self._update(run_id, [EngineItem.reporting_at.set(EngineItem.reporting_at | at)])

    def note_launched(self, run_id: str, errors: Sequence[str], at: datetime) -> None:
        with suppress(Conflict), translated(f"run {run_id}"):
            _key(run_id).update(
                [EngineItem.launched_at.set(at), EngineItem.launch_errors.set(list(errors))],
                condition=EngineItem.launched_at.does_not_exist(),
            )

    def note_ended(self, run_id: str, how: ProcessOutcome, messages: Sequence[str], at: datetime) -> None:
        with suppress(Conflict), translated(f"run {run_id}"):
            _key(run_id).update(
                [EngineItem.ended_at.set(at), EngineItem.ended.set(str(how)), EngineItem.messages.set(list(messages))],
                condition=EngineItem.ended_at.does_not_exist(),
            )

    def note_answer(self, run_id: str, worker: str, at: datetime, spacing: timedelta) -> bool:
        answered, last = EngineItem.answered, EngineItem.answered_at
        try:
            with translated(f"run {run_id}"):
                _key(run_id).update(
                    [answered.set((answered | []).append([worker])), last.set(at)],
                    condition=last.does_not_exist() | ((last < at - spacing) & ~answered.contains(worker)),
                )
        except Conflict:
            return worker in self.answered(run_id)
        return True

    def answered(self, run_id: str) -> Sequence[str]:
        item = self._item(run_id)
        return [str(worker) for worker in item.answered or ()] if item else []

    def count_chunks(self, run_id: str, stream: EngineStream, chunks: int) -> None:
        counter = EngineItem.logs_chunks if stream is EngineStream.LOGS else EngineItem.debug_chunks
        count = min(chunks, _MOST_CHUNKS)
        with suppress(Conflict), translated(f"run {run_id}"):
            _key(run_id).update([counter.set(count)], condition=counter.does_not_exist() | (counter < count))

    def _item(self, run_id: str) -> EngineItem | None:
        try:
            with translated(f"run {run_id}"):
                return EngineItem.get(partition(run_id), EngineItem.SK, consistent_read=True)
        except DoesNotExist:
            return None

    def _update(self, run_id: str, actions: list[Action]) -> None:
        with translated(f"run {run_id}"):
            _key(run_id).update(actions)


def _key(run_id: str) -> EngineItem:
    return EngineItem(partition(run_id), EngineItem.SK)
