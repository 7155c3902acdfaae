"""What the use cases of Mélodium's API need, in memory."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cadence.application.melodium.ports import FormUpload, PutUpload
from cadence.application.runs.ports import EngineStream
from cadence.domain.access.access import ApiToken
from cadence.domain.melodium.process import ProcessOutcome, Reported
from cadence.domain.runs.engine_outcome import EngineEvidence
from cadence.domain.shared.errors import NotFound


class MemoryReported:
    def __init__(self) -> None:
        self.said: dict[str, Reported] = {}
        self.seen: dict[str, EngineEvidence] = {}
        self.told: dict[str, dict[str, datetime]] = {}
        self.executes: dict[str, tuple[str, dict[str, str]]] = {}

    def get(self, run_id: str) -> Reported:
        return self.said.get(run_id, Reported())

    def evidence(self, run_id: str) -> EngineEvidence:
        return self.seen.get(run_id, EngineEvidence())

    def note_lines(self, run_id: str, chunks: int, errors: int, first_error: str, interrupted: str) -> None:
        seen = self.evidence(run_id)
        self.seen[run_id] = dataclasses.replace(
            seen, logs_chunks=chunks, errors=errors, first_error=first_error, interrupted=interrupted
        )

    def note_events(self, run_id: str, chunks: int, failed_steps: Sequence[str], *, over: bool) -> None:
        seen = self.evidence(run_id)
        self.seen[run_id] = dataclasses.replace(seen, debug_chunks=chunks, failed_steps=tuple(failed_steps), over=over)

    def note_details(self, run_id: str, entrypoint: str, parameters: Mapping[str, str]) -> None:
        self.executes[run_id] = (entrypoint, dict(parameters))

    def entrypoint(self, run_id: str) -> str:
        return self.executes.get(run_id, ("", {}))[0]

    def note_start(self, run_id: str, version: str, tags: Iterable[str]) -> None:
        said = self.get(run_id)
        self.said[run_id] = dataclasses.replace(said, version=version, tags=said.tags | set(tags))

    def note_reporting(self, run_id: str, at: datetime) -> None:
        said = self.get(run_id)
        self.said[run_id] = dataclasses.replace(said, reporting_at=said.reporting_at or at)

    def note_launched(self, run_id: str, errors: Sequence[str], at: datetime) -> None:
        said = self.get(run_id)
        if said.launched_at is None:
            self.said[run_id] = dataclasses.replace(said, launched_at=at, launch_errors=tuple(errors))

    def note_ended(self, run_id: str, how: ProcessOutcome, messages: Sequence[str], at: datetime) -> None:
        said = self.get(run_id)
        if said.ended_at is None:
            self.said[run_id] = dataclasses.replace(said, ended_at=at, ended=how, messages=tuple(messages))

    def note_answer(self, run_id: str, worker: str, at: datetime, spacing: timedelta) -> bool:
        told = self.told.setdefault(run_id, {})
        if worker not in told:
            if told and max(told.values()) >= at - spacing:
                return False
            told[worker] = at
        return True

    def answered(self, run_id: str) -> Sequence[str]:
        return list(self.told.get(run_id, ()))

    def count_chunks(self, run_id: str, stream: EngineStream, chunks: int) -> None:
        said = self.get(run_id)
        if stream is EngineStream.LOGS:
            self.said[run_id] = dataclasses.replace(said, logs_chunks=max(said.logs_chunks, chunks))
        else:
            self.said[run_id] = dataclasses.replace(said, debug_chunks=max(said.debug_chunks, chunks))


class FakeUploads:
    def chunks(self, run_id: str, stream: EngineStream) -> FormUpload:
        return FormUpload("https://store.example", {"policy": "p"}, f"uploads/{run_id}/{stream}")

    def program(self, run_id: str) -> PutUpload:
        return PutUpload(f"https://store.example/uploads/{run_id}/program.json?signed")


class MemoryRunTokens:
    def __init__(self) -> None:
        self.tokens: dict[str, ApiToken] = {}

    def put_run_token(self, token: ApiToken) -> None:
        self.tokens[token.token_id] = token

    def delete_run_token(self, token_id: str) -> None:
        self.tokens.pop(token_id, None)

    def get_token(self, token_id: str) -> ApiToken:
        try:
            return self.tokens[token_id]
        except KeyError:
            raise NotFound("There is no such token.") from None


class MemoryMasks:
    def __init__(self) -> None:
        self.known: dict[str, set[str]] = {}

    def note(self, run_id: str, digests: Iterable[str]) -> None:
        self.known[run_id] = set(digests)

    def hand_on(self, asking: str, worker: str) -> None:
        if asking in self.known:
            self.known[worker] = set(self.known[asking])
