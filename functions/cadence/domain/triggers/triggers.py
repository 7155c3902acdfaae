"""What starts a run of a pipeline by itself."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.domain.shared.patterns import selected

DEFAULT_STATES = ("succeeded",)


@dataclass(frozen=True, slots=True)
class GitTrigger:
    """Patterns of branches, tags and changed paths; one that begins with `!` excludes, and the last that fits decides.

    A push starts the pipeline for every branch and tag unless `branches` or `tags` says which: with one of them alone, the
    other kind does not start it. Of a pull request `branches` are those it is to be merged into.
    """

    branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def takes_branch(self, branch: str) -> bool:
        return selected(branch, self.branches) if self.branches else not self.tags

    def takes_tag(self, tag: str) -> bool:
        return selected(tag, self.tags) if self.tags else not self.branches


@dataclass(frozen=True, slots=True)
class Schedule:
    """When (a cron expression of five fields, in a time zone), and with which parameters."""

    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names this entry among those of its pipeline, wherever in the list it stands."""
        said = json.dumps([self.cron.split(), self.timezone, self.parameters], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PipelineTrigger:
    """The end of a run of another pipeline, in one of `states`. Texts in `parameters` may hold expressions."""

    name: str
    states: tuple[str, ...] = DEFAULT_STATES
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def means(self, pipeline: str, state: str) -> bool:
        return self.name == pipeline and state in self.states


@dataclass(frozen=True, slots=True)
class Triggers:
    """`None` and empty mean not by this."""

    push: GitTrigger | None = None
    pull_request: GitTrigger | None = None
    schedule: tuple[Schedule, ...] = ()
    pipeline: tuple[PipelineTrigger, ...] = ()


NO_TRIGGERS = Triggers()


def to_json(triggers: Triggers) -> dict[str, Any]:
    """Without what is empty."""
    said: dict[str, Any] = {}
    for name, trigger in (("push", triggers.push), ("pull_request", triggers.pull_request)):
        if trigger is not None:
            parts = {"branches": trigger.branches, "paths": trigger.paths, "tags": trigger.tags}
            said[name] = {part: list(patterns) for part, patterns in parts.items() if patterns}
    if triggers.schedule:
        said["schedule"] = [
            {"cron": entry.cron, "timezone": entry.timezone, "parameters": dict(entry.parameters)}
            for entry in triggers.schedule
        ]
    if triggers.pipeline:
        said["pipeline"] = [
            {"name": entry.name, "states": list(entry.states), "parameters": dict(entry.parameters)}
            for entry in triggers.pipeline
        ]
    return said


def from_json(on: Mapping[str, Any]) -> Triggers:
    """Also what a valid document says under `on`."""
    return Triggers(
        push=_git_trigger(on, "push"),
        pull_request=_git_trigger(on, "pull_request"),
        schedule=tuple(
            Schedule(entry["cron"], entry.get("timezone", "UTC"), entry.get("parameters") or {})
            for entry in on.get("schedule", ())
        ),
        pipeline=tuple(
            PipelineTrigger(entry["name"], tuple(entry.get("states", DEFAULT_STATES)), entry.get("parameters") or {})
            for entry in on.get("pipeline", ())
        ),
    )


def _git_trigger(on: Mapping[str, Any], event: str) -> GitTrigger | None:
    if event not in on:
        return None
    patterns = on[event] or {}
    return GitTrigger(**{part: tuple(patterns.get(part, ())) for part in ("branches", "paths", "tags")})
