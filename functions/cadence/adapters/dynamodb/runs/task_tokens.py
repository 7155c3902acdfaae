"""Task tokens of treatments' machines, each under a short name, so that items which are written often stay small."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute, UTCDateTimeAttribute

from cadence.adapters.dynamodb.runs.run_items import RunsTable, partition
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.domain.shared.ids import run_of_runner
from cadence.domain.shared.retention import KEPT

# No task token has it: Step Functions' are Base64.
_SEPARATOR = "#"
_DIGITS = 16


class TaskTokenItem(RunsTable):
    PREFIX: ClassVar[str] = "TOKEN#"

    token = BinaryAttribute(null=True, legacy_encoding=False)  # what its Base64 stands for: a quarter less to pay for
    text = UnicodeAttribute(null=True)  # a token that is no Base64
    kept_at = UTCDateTimeAttribute()

    @classmethod
    def key_of(cls, name: str) -> str | None:
        """Returns the sort key of a token by its name; None if that is a token itself."""
        return cls.PREFIX + name if _SEPARATOR in name else None

    @property
    def task_token(self) -> str:
        return self.text or base64.b64encode(self.token or b"").decode("ascii")


class DynamoTaskTokens:
    """Implements TaskTokens. An item never changes, so that the name stands for the token wherever it is written."""

    def __init__(self, runs_table: str) -> None:
        bind(TaskTokenItem, runs_table)

    def keep(self, runner_id: str, token: str, at: datetime) -> str:
        name = f"{runner_id}{_SEPARATOR}{hashlib.sha256(token.encode()).hexdigest()[:_DIGITS]}"
        with translated(f"runner {runner_id}"):
            TaskTokenItem(*_key(name), **_written(token), kept_at=at, expires_at=at + KEPT).save()
        return name

    def token(self, name: str) -> str | None:
        if _SEPARATOR not in name:
            return name
        try:
            with translated("a task token"):
                return TaskTokenItem.get(*_key(name), consistent_read=True).task_token
        except TaskTokenItem.DoesNotExist:
            return None

    def kept_until(self, runner_id: str, moment: datetime) -> Sequence[str]:
        pk, prefix = _key(runner_id + _SEPARATOR)
        with translated(f"runner {runner_id}"):
            items = TaskTokenItem.query(pk, TaskTokenItem.sk.startswith(prefix), consistent_read=True)
            return [item.task_token for item in items if item.kept_at <= moment]


def _key(name: str) -> tuple[str, str]:
    return partition(run_of_runner(name.partition(_SEPARATOR)[0])), TaskTokenItem.PREFIX + name


def _written(token: str) -> dict[str, Any]:
    try:
        decoded = base64.b64decode(token, validate=True)
    except ValueError:
        return {"text": token}
    return {"token": decoded} if base64.b64encode(decoded).decode("ascii") == token else {"text": token}
