"""Converts the triggers of a workflow into triggers and parameters of a pipeline."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.triggers.cron import BadCron, read_cron
from cadence.importing.github.event_members import PULL_REQUEST_TYPES
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.names import UniqueNames, slug
from cadence.importing.shared.yaml_source import YamlSource, listed, mapping, plain, texts

_INPUT_TYPES = {"boolean": "bool", "number": "f64"}
_EMPTY = {"bool": False, "f64": 0, "string": ""}
_PATTERNS = {"push": ("branches", "paths", "tags"), "pull_request": ("branches", "paths")}
_SENDER = "repository-dispatch"
_STATES = {"completed": ["succeeded", "failed", "cancelled", "timed_out"], "success": ["succeeded"]}


def triggers(source: YamlSource, data: Mapping[str, Any], draft: ImportDraft) -> tuple[dict[str, str], frozenset[str]]:
    """Fills the draft's `on` and parameters. Returns inputs' names by parameters', and which of them are booleans."""
    on = _on(data)
    events = on if isinstance(on, dict) else dict.fromkeys(texts(on))
    holder = on if isinstance(on, dict) else data
    converted: dict[str, Any] = {}
    names, booleans = UniqueNames("_", "p"), set[str]()
    for event, settings in events.items():
        line = source.line(holder, event) or source.line(data, "on")
        match event:
            case "push" | "pull_request":
                converted[event] = _patterns(event, mapping(settings), source, draft)
            case "release":
                converted["release"] = {}
                _release_types(mapping(settings), source, draft)
            case "schedule":
                converted["schedule"] = _schedules(settings, line, draft)
            case "workflow_dispatch" | "workflow_call":
                inputs = mapping(mapping(settings).get("inputs"))
                booleans |= {name for name in inputs if _input(names.of(name), mapping(inputs[name]), draft)}
                _not_inputs(event, mapping(settings), source, draft)
            case "workflow_run":
                converted["pipeline"] = [
                    {"name": slug(name), "states": _STATES["completed"]}
                    for name in texts(mapping(settings).get("workflows"))
                ]
            case "repository_dispatch":
                converted["webhook"] = _webhook(mapping(settings), line, draft)
            case _:
                draft.notes.add(
                    line, f"on: {event}", "Nothing in Cadence starts a pipeline by this event.",
                    "Start a run through the API when it happens.",
                )  # fmt: skip
    _reachable_without_values(converted, draft)
    converted = {event: settings for event, settings in converted.items() if settings != []}
    if converted:
        draft.settings["on"] = converted
    return {name: names.of(name) for name in names}, frozenset(booleans)


def dispatched(data: Mapping[str, Any]) -> frozenset[str]:
    """Returns the types of `repository_dispatch` that start a workflow."""
    return frozenset(texts(mapping(mapping(_on(data)).get("repository_dispatch")).get("types")))


def _on(data: Mapping[str, Any]) -> Any:
    return data.get("on", data.get("true"))


def _webhook(settings: Mapping[str, Any], line: int, draft: ImportDraft) -> list[dict[str, Any]]:
    """Events that a program sends to GitHub's API are those of a webhook: their type, and as `data` the payload."""
    draft.notes.add(
        line, "on: repository_dispatch", "Programs send such events to a webhook of Cadence instead of GitHub's API.",
        f"Run cadence githost create {_SENDER} --kind generic; send CloudEvents with event_type as type, client_payload "
        "as data.",
    )  # fmt: skip
    types = texts(settings.get("types"))
    return [{"source": _SENDER, **({"types": types} if types else {})}]


def _schedules(settings: Any, line: int, draft: ImportDraft) -> list[dict[str, Any]]:
    schedules = []
    for entry in listed(settings):
        text = plain(mapping(entry).get("cron"))
        try:
            read_cron(text)
        except BadCron as error:
            draft.notes.add(line, f"on.schedule: {text}", f"It is no time: {error}.", "Write the time as cron.")
            continue
        schedules.append({"cron": text})
    return schedules


def _patterns(event: str, settings: Mapping[str, Any], source: YamlSource, draft: ImportDraft) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    for key in _PATTERNS[event]:
        ignored = texts(settings.get(f"{key}-ignore"))
        patterns = texts(settings.get(key)) + (["**", *(f"!{pattern}" for pattern in ignored)] if ignored else [])
        if patterns:
            filters[key] = patterns
    if event == "pull_request" and (types := _types(settings, source, draft)):
        filters["types"] = types
    for key in settings:
        if key.removesuffix("-ignore") not in _PATTERNS[event] and (event, key) != ("pull_request", "types"):
            draft.notes.add(
                source.line(settings, key), f"on.{event}.{key}", "Cadence does not tell such cases apart.",
                "Check in the script what happened, or do without.",
            )  # fmt: skip
    return filters


def _types(settings: Mapping[str, Any], source: YamlSource, draft: ImportDraft) -> list[str]:
    """Returns the types of pull requests' events that have counterparts, and notes those that have none."""
    wanted = texts(settings.get("types"))
    for name in wanted:
        if name not in PULL_REQUEST_TYPES:
            draft.notes.add(
                source.line(settings, "types"), f"on.pull_request.types: {name}",
                "Nothing in Cadence starts a pipeline by this event.", "Start a run through the API when it happens.",
            )  # fmt: skip
    return [PULL_REQUEST_TYPES[name] for name in wanted if name in PULL_REQUEST_TYPES]


def _release_types(settings: Mapping[str, Any], source: YamlSource, draft: ImportDraft) -> None:
    others = [name for name in texts(settings.get("types")) if name != "published"]
    if others:
        draft.notes.add(
            source.line(settings, "types"), f"on.release.types: {', '.join(others)}",
            "A release starts the pipeline when it is published, and never otherwise.",
            "Use event.prerelease in `when` to tell prereleases apart.",
        )  # fmt: skip


def _input(name: str, entry: Mapping[str, Any], draft: ImportDraft) -> bool:
    kind = _INPUT_TYPES.get(plain(entry.get("type")), "string")
    settings: dict[str, Any] = {"type": kind}
    if entry.get("default") is not None:
        default = entry["default"]
        settings["default"] = plain(default) if kind == "string" else _typed(default, kind)
    choices = texts(entry.get("options"))
    description = plain(entry.get("description")) + (f" (one of: {', '.join(choices)})" if choices else "")
    if description.strip():
        settings["description"] = " ".join(description.split())[:1000]
    if "default" not in settings and entry.get("required") is not True:
        settings["default"] = _EMPTY[kind]
    draft.parameter(name, settings)
    return kind == "bool"


def _typed(default: Any, kind: str) -> Any:
    if kind == "bool":
        return plain(default).lower() == "true"
    try:
        return float(plain(default)) if "." in plain(default) else int(plain(default))
    except ValueError:
        return 0


def _not_inputs(event: str, settings: Mapping[str, Any], source: YamlSource, draft: ImportDraft) -> None:
    for key in settings:
        if key != "inputs":
            draft.notes.add(
                source.line(settings, key), f"on.{event}.{key}", "Other pipelines start a whole run and see its outcome.",
                "Name secrets in the treatments that use them; hand values on by parameters.",
            )  # fmt: skip


def _reachable_without_values(on: Mapping[str, Any], draft: ImportDraft) -> None:
    """Makes parameters optional: a required parameter would prevent pushes and schedules from starting the pipeline."""
    if not on:
        return
    for settings in draft.parameters.values():
        if "default" not in settings:
            settings["default"] = _EMPTY[settings["type"]]
