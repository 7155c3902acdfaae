"""`RunnerStore`, `RunnerResults` and `Followers` on the `runners` table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from cadence.adapters.dynamodb.runners.runner_items import (
    ITEMS,
    FollowItem,
    OutputItem,
    RunnerItem,
    RunnersTable,
    runner_partition,
    stored,
)
from cadence.adapters.dynamodb.shared.binding import bind
from cadence.adapters.dynamodb.shared.faults import translated
from cadence.application.shared.runner_ports import FollowedRunner
from cadence.domain.runners.runner import OutputStream, Runner, RunnerResult, RunnerState
from cadence.domain.shared.errors import Conflict, Gone, NotFound
from cadence.domain.shared.ids import run_of_runner
from cadence.domain.shared.retention import KEPT
from cadence.domain.values.stream import StreamProgress


class DynamoRunnerStore:
    def __init__(self, table_name: str) -> None:
        for model in ITEMS:
            bind(model, table_name)

    def put_runner(self, runner: Runner) -> Runner:
        item = RunnerItem.of(runner)
        item.expires_at = runner.created_at + KEPT
        try:
            with translated(f"runner {runner.runner_id}"):
                item.save(RunnerItem.pk.does_not_exist())
        except Conflict:
            return self._update(
                runner.runner_id, _actions({"task_token": runner.task_token}), _not_placed_after(runner)
            )
        return runner

    def offer_runner(self, runner: Runner) -> None:
        item = RunnerItem.of(runner)
        item.expires_at = runner.created_at + KEPT
        begun_elsewhere = _in({RunnerState.BOOTING}) & (RunnerItem.pool != runner.pool)
        waits = (_in({RunnerState.OFFERED}) | begun_elsewhere) & RunnerItem.cancel_reason.does_not_exist()
        with translated(f"runner {runner.runner_id}"):
            item.save(RunnerItem.pk.does_not_exist() | waits)

    def get_runner(self, runner_id: str) -> Runner:
        try:
            with translated(f"runner {runner_id}"):
                return RunnerItem.get(*RunnerItem.key(runner_id), consistent_read=True).runner()
        except DoesNotExist:
            raise NotFound(f"There is no runner {runner_id}.") from None

    def get_followed_runner(self, runner_id: str) -> FollowedRunner:
        key, follow_key = RunnerItem.key(runner_id), FollowItem.key(run_of_runner(runner_id))
        with translated(f"runner {runner_id}"):
            items: dict[str, Any] = {
                item.sk: item for item in _ItemOfRunner.batch_get([key, follow_key], consistent_read=True)
            }
        if key[1] not in items:
            raise NotFound(f"There is no runner {runner_id}.")
        followed = items.get(follow_key[1])
        return FollowedRunner(items[key[1]].runner(), followed.until if followed else None)

    def get_producer(self, runner_id: str, ports: Collection[str]) -> tuple[Runner, Mapping[str, StreamProgress]]:
        outputs = {port: OutputItem.key(runner_id, port) for port in ports}
        with translated(f"runner {runner_id}"):
            keys = [RunnerItem.key(runner_id), *outputs.values()]
            items: dict[str, Any] = {item.sk: item for item in _ItemOfRunner.batch_get(keys, consistent_read=True)}
        runner = items.get(RunnerItem.SK)
        if runner is None:
            raise NotFound(f"There is no runner {runner_id}.")
        return runner.runner(), {
            port: items[sk].progress() if sk in items else StreamProgress() for port, (_, sk) in outputs.items()
        }

    def change_runner(self, runner_id: str, source: Iterable[RunnerState], **changes: Any) -> Runner:
        return self._update(runner_id, _actions(changes), _in(source))

    def move_runner(self, seen: Runner, source: Iterable[RunnerState], **changes: Any) -> Runner:
        placed = RunnerItem.placed_at
        same = placed.does_not_exist() if seen.placed_at is None else placed == seen.placed_at
        return self._update(seen.runner_id, _actions(changes), _in(source) & (RunnerItem.pool == seen.pool) & same)

    def declare_lost(self, runner: Runner) -> bool:
        unchanged = (RunnerItem.state == str(runner.state)) & _same_lease(runner)
        try:
            self._update(runner.runner_id, [RunnerItem.state.set(str(RunnerState.LOST))], unchanged)
        except Conflict:
            return False
        return True

    def list_outputs(self, runner_id: str) -> Sequence[OutputStream]:
        with translated(f"outputs of runner {runner_id}"):
            items = OutputItem.query(
                runner_partition(runner_id), OutputItem.sk.startswith(OutputItem.PREFIX), consistent_read=True
            )
            return [item.output_stream() for item in items]

    def complete(self, runner_id: str, result: RunnerResult) -> Runner:
        actions = _actions({"state": RunnerState.COMPLETED, "result": result})
        try:
            return self._update(runner_id, actions, _in({RunnerState.CLAIMED}) & RunnerItem.result.does_not_exist())
        except Conflict:
            runner = self.get_runner(runner_id)
            if runner.result == result:
                return runner
            if runner.state in {RunnerState.LOST, RunnerState.RELEASED}:
                raise Gone(f"Runner {runner_id} is {runner.state}: its result is no longer accepted.") from None
            raise Conflict(f"Runner {runner_id} is {runner.state}: it cannot complete with this result.") from None

    def complete_session(self, runner_id: str, session_hash: str, result: RunnerResult) -> Runner | None:
        own = (RunnerItem.session_hash == session_hash) & RunnerItem.result.does_not_exist()
        actions = _actions({"state": RunnerState.COMPLETED, "result": result})
        try:
            return self._update(runner_id, actions, _in({RunnerState.CLAIMED}) & own)
        except Conflict:
            return None

    def follow(self, run_id: str, until: datetime) -> None:
        with translated(f"followers of run {run_id}"):
            FollowItem(*FollowItem.key(run_id), until=until, expires_at=until + timedelta(hours=1)).save()

    def _update(self, runner_id: str, actions: Sequence[Action], condition: Condition) -> Runner:
        item = RunnerItem(*RunnerItem.key(runner_id))
        with translated(f"runner {runner_id}"):
            item.update(actions=list(actions), condition=condition)
        return item.runner()


class _ItemOfRunner(RunnersTable):
    """Reads a runner together with its outputs, or the note that its run is followed: the key tells them apart."""

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        key = data["sk"]["S"]
        if key.startswith(OutputItem.PREFIX):
            return OutputItem.from_raw_data(data)
        return (FollowItem if key == FollowItem.SK else RunnerItem).from_raw_data(data)


def _in(source: Iterable[RunnerState]) -> Condition:
    return RunnerItem.state.is_in(*sorted(str(state) for state in source))


def _not_placed_after(runner: Runner) -> Condition:
    exists: Condition = RunnerItem.pk.exists()
    if runner.placed_at is not None:
        exists &= RunnerItem.placed_at.does_not_exist() | (RunnerItem.placed_at <= runner.placed_at)
    return exists


def _same_lease(runner: Runner) -> Condition:
    if runner.lease_until is None:
        return RunnerItem.lease_until.does_not_exist()
    return RunnerItem.lease_until == runner.lease_until


def _actions(changes: Any) -> list[Action]:
    return [
        getattr(RunnerItem, name).remove()
        if (attribute := stored(name, value)) is None
        else getattr(RunnerItem, name).set(attribute)
        for name, value in changes.items()
    ]
