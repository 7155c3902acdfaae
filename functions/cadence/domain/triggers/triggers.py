"""The triggers of a pipeline, which start runs automatically."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cadence.domain.shared.patterns import matches_any, selected

DEFAULT_STATES = ("succeeded",)


class PullRequestType(StrEnum):
    """What happened to a pull request."""

    OPENED = "opened"
    REOPENED = "reopened"
    UPDATED = "updated"
    """It has new commits."""
    LABELLED = "labelled"
    UNLABELLED = "unlabelled"
    CLOSED = "closed"
    """It was merged, or closed without that."""


NEW_COMMITS = (PullRequestType.OPENED, PullRequestType.REOPENED, PullRequestType.UPDATED)
"""The types of events that bring commits; these start a pipeline whose trigger names no types."""


@dataclass(frozen=True, slots=True)
class GitTrigger:
    """Patterns of branches, tags, changed paths and labels, and the types of events of a pull request.

    A pattern with a leading `!` excludes; the last that matches decides. A push starts the pipeline for every branch
    and tag unless `branches` or `tags` restricts them: with one of them alone, the other kind does not start it. For a
    pull request, `branches` are those it is to be merged into; without `types` they are `NEW_COMMITS`. A release has
    `tags` only.
    """

    branches: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def takes_branch(self, branch: str) -> bool:
        """Whether a push to the branch starts the pipeline."""
        return selected(branch, self.branches) if self.branches else not self.tags

    def takes_tag(self, tag: str) -> bool:
        """Whether a push of the tag starts the pipeline."""
        return selected(tag, self.tags) if self.tags else not self.branches

    def takes_type(self, event_type: PullRequestType | None) -> bool:
        """Whether that event of a pull request starts the pipeline; None stands for any of `NEW_COMMITS`."""
        types = self.types or NEW_COMMITS
        return event_type in types if event_type else any(each in types for each in NEW_COMMITS)

    def takes_labels(self, labels: Iterable[str]) -> bool:
        """Whether one of the labels lets an event start the pipeline."""
        return not self.labels or any(matches_any(label, self.labels) for label in labels)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression of five fields in a time zone, and the parameters of the runs that it starts."""

    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The name of this entry among those of its pipeline, independent of its position in the list."""
        content = json.dumps([self.cron.split(), self.timezone, self.parameters], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PipelineTrigger:
    """A trigger that fires when a run of another pipeline ends in one of `states`.

    Texts in `parameters` may hold expressions.
    """

    name: str
    states: tuple[str, ...] = DEFAULT_STATES
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def means(self, pipeline: str, state: str) -> bool:
        """Whether the end of a run of that pipeline, in that state, fires this trigger."""
        return self.name == pipeline and state in self.states


@dataclass(frozen=True, slots=True)
class WebhookTrigger:
    """A trigger that fires when the sender `source` reports an event whose type matches one of the patterns `types`.

    Without patterns every event fires it. Texts in `parameters` may hold expressions.
    """

    source: str
    types: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def takes_type(self, event_type: str) -> bool:
        """Whether an event of that type fires this trigger."""
        return not self.types or selected(event_type, self.types)


@dataclass(frozen=True, slots=True)
class Triggers:
    """All triggers of a pipeline; `None` or an empty tuple where it has none of a kind."""

    push: GitTrigger | None = None
    pull_request: GitTrigger | None = None
    schedule: tuple[Schedule, ...] = ()
    pipeline: tuple[PipelineTrigger, ...] = ()
    webhook: tuple[WebhookTrigger, ...] = ()
    release: GitTrigger | None = None


NO_TRIGGERS = Triggers()
_GIT_PARTS = ("branches", "paths", "tags", "types", "labels")


def to_json(triggers: Triggers) -> dict[str, Any]:
    """Returns the triggers as JSON data without empty parts."""
    data: dict[str, Any] = {}
    of_git = (("push", triggers.push), ("pull_request", triggers.pull_request), ("release", triggers.release))
    for name, trigger in of_git:
        if trigger is not None:
            parts = {part: getattr(trigger, part) for part in _GIT_PARTS}
            data[name] = {part: list(patterns) for part, patterns in parts.items() if patterns}
    if triggers.schedule:
        data["schedule"] = [
            {"cron": entry.cron, "timezone": entry.timezone, "parameters": dict(entry.parameters)}
            for entry in triggers.schedule
        ]
    if triggers.pipeline:
        data["pipeline"] = [
            {"name": entry.name, "states": list(entry.states), "parameters": dict(entry.parameters)}
            for entry in triggers.pipeline
        ]
    if triggers.webhook:
        data["webhook"] = [
            {
                "source": entry.source,
                **({"types": list(entry.types)} if entry.types else {}),
                "parameters": dict(entry.parameters),
            }
            for entry in triggers.webhook
        ]
    return data


def from_json(on: Mapping[str, Any]) -> Triggers:
    """Returns the triggers from the result of `to_json`, or from the value of `on` in a valid document."""
    return Triggers(
        push=_git_trigger(on, "push"),
        pull_request=_git_trigger(on, "pull_request"),
        release=_git_trigger(on, "release"),
        schedule=tuple(
            Schedule(entry["cron"], entry.get("timezone", "UTC"), entry.get("parameters") or {})
            for entry in on.get("schedule", ())
        ),
        pipeline=tuple(
            PipelineTrigger(entry["name"], tuple(entry.get("states", DEFAULT_STATES)), entry.get("parameters") or {})
            for entry in on.get("pipeline", ())
        ),
        webhook=tuple(
            WebhookTrigger(entry["source"], tuple(entry.get("types", ())), entry.get("parameters") or {})
            for entry in on.get("webhook", ())
        ),
    )


def _git_trigger(on: Mapping[str, Any], event: str) -> GitTrigger | None:
    if event not in on:
        return None
    patterns = on[event] or {}
    return GitTrigger(**{part: tuple(patterns.get(part, ())) for part in _GIT_PARTS})
