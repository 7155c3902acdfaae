"""Conditions of Woodpecker (`when`) as CEL, and as triggers of the pipeline."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.importing.shared.cel import REPOSITORY, bare, event_value, joins
from cadence.importing.shared.globs import alternatives, matches
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts
from cadence.importing.woodpecker.variables import BRANCH, TAG, WoodpeckerVariables

EVENTS = {
    "push": f'(event.kind == "push" && {TAG} == "")',
    "tag": f'(event.kind == "push" && {TAG} != "")',
    "pull_request": 'event.kind == "pull_request"',
    "release": 'event.kind == "release"',
    "cron": 'event.kind == "schedule"',
    "manual": 'event.kind == "api"',
}
_OF_BRANCHES = frozenset({"push", "pull_request", "cron", "manual"})


class ConditionError(ValueError):
    """A condition that has no counterpart; the message states why."""


@dataclass(frozen=True, kw_only=True)
class WhenOfStep:
    """When a step runs: `cel` (empty: always), and in which state of the steps before it."""

    cel: str = ""
    after_success: bool = True
    after_failure: bool = False


def entries(value: Any) -> list[Mapping[str, Any]]:
    """The alternatives of a `when`, which is a mapping or a list of them."""
    return [mapping(entry) for entry in listed(value)]


def entry_condition(entry: Mapping[str, Any], variables: WoodpeckerVariables) -> str:
    """The CEL text of one alternative, empty if it asks for nothing. Raises ConditionError."""
    parts = [condition for key in entry if (condition := _part(key, entry, variables))]
    return " && ".join(_grouped(part) for part in parts)


def either(conditions: list[str]) -> str:
    """The CEL text of several alternatives; empty if one of them asks for nothing."""
    if not conditions:
        return "false"
    if "" in conditions:
        return ""
    every = list(dict.fromkeys(conditions))
    return every[0] if len(every) == 1 else " || ".join(f"({bare(condition)})" for condition in every)


def statuses(entry: Mapping[str, Any]) -> set[str]:
    return set(texts(entry.get("status"))) & {"success", "failure"} or {"success"}


def _grouped(part: str) -> str:
    return f"({bare(part)})" if joins(part, "||", "&&", " ? ") else part


def _part(key: str, entry: Mapping[str, Any], variables: WoodpeckerVariables) -> str:
    value = entry[key]
    match key:
        case "event":
            return _event(value)
        case "branch":
            events = set(texts(entry.get("event")))
            condition = _included("branch", value, _branch(events))
            without_tags = events and events <= _OF_BRANCHES
            return condition if without_tags or not condition else f'{TAG} != "" || {_grouped(condition)}'
        case "ref":
            return _included("ref", value, event_value("event.ref"))
        case "repo":
            return _included("repo", value, REPOSITORY)
        case "tag":
            return _included("tag", value, TAG)
        case "path":
            return _path(value)
        case "matrix":
            return _matrix(mapping(value), variables)
        case "status":
            return ""
        case _:
            raise ConditionError(f"nothing here knows its {key}")


def _branch(events: set[str]) -> str:
    """The CEL text of the branch that these events are about: of pull requests the target."""
    if events == {"pull_request"}:
        return event_value("event.base_branch")
    return BRANCH if not events or "pull_request" in events else event_value("event.branch")


def _wanted(value: Any) -> tuple[list[str], list[str]]:
    """What a part of a condition includes and excludes: it is a mapping of both, or what it includes alone."""
    if isinstance(value, dict):
        return texts(value.get("include")), texts(value.get("exclude"))
    return texts(value), []


def _named_events(value: Any) -> list[str]:
    included, excluded = _wanted(value)
    every = included or list(EVENTS) if isinstance(value, dict) else included
    return [name for name in every if name not in excluded]


def _event(value: Any) -> str:
    names = _named_events(value)
    known = [EVENTS[name] for name in names if name in EVENTS]
    if not known:
        raise ConditionError(f"nothing starts a pipeline by {', '.join(names) or 'no event'}")
    return known[0] if len(known) == 1 else " || ".join(known)


def _included(key: str, value: Any, cel: str) -> str:
    others = mapping(value).keys() - {"include", "exclude"}
    if others:
        raise ConditionError(f"its {key} has {', '.join(sorted(others))}")
    included, excluded = _wanted(value)
    parts = [matches(cel, _patterns(included))] if included else []
    parts += [f"!({bare(matches(cel, _patterns(excluded)))})"] if excluded else []
    return " && ".join(parts)


def _patterns(names: list[str]) -> list[str]:
    return [name.replace("\\\\", "\\").replace("\\/", "/") for name in names]


def _path(value: Any) -> str:
    settings = value if isinstance(value, dict) else {"include": value}
    others = settings.keys() - {"include", "exclude", "on_empty", "ignore_message"}
    if others or settings.get("on_empty") is False or settings.get("ignore_message"):
        names = sorted(others | (settings.keys() & {"on_empty", "ignore_message"}))
        raise ConditionError(f"its path has {', '.join(names)}")
    included, excluded = _wanted(settings)
    parts = [f"event.changed_files.exists(file, {bare(matches('file', included))})"] if included else []
    parts += [f"event.changed_files.exists(file, !({bare(matches('file', excluded))}))"] if excluded else []
    if not parts:
        return ""
    return f"!has(event.changed_files) || size(event.changed_files) == 0 || {_grouped(' && '.join(parts))}"


def _matrix(wanted: Mapping[str, Any], variables: WoodpeckerVariables) -> str:
    parts = []
    for name, value in wanted.items():
        if name not in variables.axes:
            raise ConditionError(f"the matrix has no {name}")
        pattern = plain(value)
        parts.append(matches(f"string({variables.axis(name)})", [pattern]))
    return " && ".join(parts)


def triggers(file_when: Any, of_steps: list[Mapping[str, Any]], branches: Any) -> tuple[dict[str, Any], bool]:
    """`on` of the document, and whether it says all that the workflow's `when` says."""
    found = entries(file_when)
    events: dict[str, list[str] | None] = {}
    for entry in found or [{}]:
        for event in _events_of(entry):
            patterns = _trigger_patterns(entry.get("branch"))
            if events.get(event, []) is None or patterns is None:
                events[event] = None
            else:
                events[event] = [*(events.get(event) or []), *patterns]
    if not found and any("release" in _events_of(entry) for entry in of_steps if "event" in entry):
        events["release"] = None
    on: dict[str, Any] = {}
    push: dict[str, Any] = {}
    old = _trigger_patterns(branches) if branches is not None else None
    if "push" in events:
        push["branches"] = old or events["push"] or ["**"]
    if "tag" in events:
        push["tags"] = ["**"]
    if push:
        on["push"] = {} if push == {"branches": ["**"], "tags": ["**"]} else push
    if "pull_request" in events:
        patterns = old or events["pull_request"]
        on["pull_request"] = {"branches": patterns} if patterns else {}
    if "release" in events:
        on["release"] = {}
    return on, len(found) <= 1 and all(_is_exact(entry) for entry in found)


def _events_of(entry: Mapping[str, Any]) -> list[str]:
    value = entry.get("event")
    names = _named_events(value)
    return names if isinstance(value, dict) else names or ["push", "tag", "pull_request"]


def unknown_events(entry: Mapping[str, Any]) -> list[str]:
    """The events that an alternative names and nothing here knows."""
    included, excluded = _wanted(entry.get("event"))
    return [name for name in [*included, *excluded] if name not in EVENTS]


def _trigger_patterns(branch: Any) -> list[str] | None:
    """Patterns of branches for a trigger; None if it cannot have them."""
    if branch is None or (isinstance(branch, dict) and branch.keys() != {"include"}):
        return None
    every = [single for pattern in _patterns(_wanted(branch)[0]) for single in alternatives(pattern)]
    plain_ones = all(re.fullmatch(r"[^!{}\[\]\\]+", pattern) for pattern in every)
    return every if every and plain_ones and "**" not in every else None


def _is_exact(entry: Mapping[str, Any]) -> bool:
    branch = entry.get("branch")
    if entry.keys() - {"event", "branch"}:
        return False
    if "event" in entry and (isinstance(entry["event"], dict) or not set(texts(entry["event"])) <= EVENTS.keys()):
        return False
    if branch is None:
        return "event" not in entry or bool(texts(entry["event"]))
    return set(_events_of(entry)) <= _OF_BRANCHES and _trigger_patterns(branch) is not None
