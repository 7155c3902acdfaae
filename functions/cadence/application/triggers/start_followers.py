"""Starts the pipelines whose `on.pipeline` matches a run that has ended, once each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.application.pipelines.ports import PipelineStore
from cadence.application.runs.start_run import Ancestry
from cadence.application.shared.block_values import LARGEST_VALUE, read_block
from cadence.application.shared.identifiers import derived_ulid
from cadence.application.shared.run_ports import RunStore, ValueStore
from cadence.application.triggers.start_triggered import StartTriggered
from cadence.domain.runs.run import MAX_DEPTH, Run, Value
from cadence.domain.triggers.git_events import from_fork

LARGEST_OUTPUTS = 65_536


@dataclass(frozen=True)
class StartFollowers:
    """Starts pipelines at the end of a run."""

    runs: RunStore
    values: ValueStore
    pipelines: PipelineStore
    start: StartTriggered

    def start_followers(self, run_id: str) -> Sequence[str]:
        """Returns the ids of the started runs.

        They derive from the run that ended, so that repeating has the same result.
        """
        ended = self.runs.get_run(run_id)
        if ended.depth >= MAX_DEPTH or ended.finished_at is None or ended.replay_of is not None:
            return ()
        event = {**_event(ended), "outputs": outputs(self.values.list_values(run_id))}
        started = []
        for version in self.pipelines.list_newest(ended.organization, ended.project):
            for entry in version.triggers.pipeline:
                if not entry.means(ended.pipeline, ended.state):
                    continue
                follower = derived_ulid(ended.finished_at, ended.run_id, version.name, entry.name)
                ancestry = Ancestry(ended.run_id, depth=ended.depth + 1)
                run = self.start.start_triggered(
                    follower, version, event, f"pipeline {ended.pipeline}", entry.parameters, ancestry
                )
                started.append(run.run_id)
                break
        return started


def outputs(values: Sequence[Value]) -> Mapping[str, Mapping[str, Any]]:
    """Returns the values of blocks of at most 4 KiB by treatment and port, as far as they fit into 64 KiB of JSON
    together.

    Values that a pool keeps elsewhere, or only until they were read, are left out.
    """
    contents: dict[str, dict[str, Any]] = {}
    remaining = LARGEST_OUTPUTS
    for value in sorted(values, key=lambda value: (value.treatment, value.port)):
        if value.retention:
            continue  # an event is kept with the run that it starts
        if value.flow != "block" or value.size > LARGEST_VALUE or len(value.preview) < value.size:
            continue
        content = read_block(value.preview, value.type)
        size = len(json.dumps(content))
        if size <= remaining:
            remaining -= size
            contents.setdefault(value.treatment, {})[value.port] = content
    return contents


def _event(run: Run) -> Mapping[str, Any]:
    """Returns the event of the run's end. It stays a fork's: the author of the fork's commits also wrote the values."""
    fork = {"fork": True} if from_fork(run.event) else {}
    return {"kind": "pipeline", "run_id": run.run_id, "pipeline": run.pipeline, "state": str(run.state), **fork}
