"""What starts the pipelines of a file: `on` of the document, and the conditions that tell its pipelines apart."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from cadence.importing.bitbucket.file import BitbucketFile, Section
from cadence.importing.shared.cel import bare, event_value
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.globs import alternatives, is_exact, matches, overlap

CHOICE = "pipeline"
_MOST_COMPARED = 25
_BRANCH, _TAG = event_value("event.branch"), event_value("event.tag")
_NO_PULL_REQUEST = 'event.kind != "pull_request"'


def triggers(file: BitbucketFile, draft: ImportDraft) -> list[str | None]:
    """Sets `on` and the parameter that chooses a custom pipeline; returns the condition of each section, if any."""
    sections = file.sections
    if on := _on(sections):
        draft.settings["on"] = on
    for section in sections:
        if section.kind == "pull-requests":
            draft.notes.add(
                section.line, section.place, "Bitbucket merges the branch into its destination first.",
                "Merge it in the script if the result of the merge has to be tested.",
            )  # fmt: skip
    customs = [section.pattern for section in sections if section.kind == "custom"]
    if len(sections) == 1:
        return [_alone(sections[0])]
    if customs:
        draft.parameter(
            CHOICE, {"type": "string", "default": "", "description": f"(one of: {', '.join(customs)})"[:1000]}
        )
    return [_condition(section, sections, by_hand=bool(customs)) for section in sections]


def _on(sections: Sequence[Section]) -> dict[str, Any]:
    patterns = {
        kind: [section.pattern for section in sections if section.kind == kind]
        for kind in ("branches", "tags", "pull-requests")
    }
    on: dict[str, Any] = {}
    push: dict[str, Any] = {}
    if any(section.kind == "default" for section in sections):
        push["branches"] = ["**"]
    elif patterns["branches"]:
        push["branches"] = _filters(patterns["branches"])
    if patterns["tags"]:
        push["tags"] = _filters(patterns["tags"])
    if push:
        on["push"] = push
    if patterns["pull-requests"]:
        on["pull_request"] = {}
    return on


def _filters(patterns: Iterable[str]) -> list[str]:
    """Patterns of a trigger that match what these do; all names if one cannot be written."""
    every = list(dict.fromkeys(single for pattern in patterns for single in alternatives(pattern)))
    if "**" in every or any(pattern.startswith("!") or "{" in pattern or not pattern for pattern in every):
        return ["**"]
    return every


def _alone(section: Section) -> str | None:
    """The condition of the only section: what starts the pipeline tells the rest."""
    if section.kind == "pull-requests" and "**" not in alternatives(section.pattern):
        return matches(_BRANCH, [section.pattern])
    exact = section.kind in ("default", "custom", "pull-requests") or _filters([section.pattern]) != ["**"]
    if exact or "**" in alternatives(section.pattern):
        return None
    return matches(_BRANCH if section.kind == "branches" else _TAG, [section.pattern])


def _condition(section: Section, sections: Sequence[Section], *, by_hand: bool) -> str:
    others = [other.pattern for other in sections if other.kind == section.kind and other is not section]
    automatic = [f'parameters.{CHOICE} == ""'] if by_hand else []
    match section.kind:
        case "custom":
            return f"parameters.{CHOICE} == {json.dumps(section.pattern, ensure_ascii=False)}"
        case "pull-requests":
            chosen = _chosen(_BRANCH, section.pattern, others)
            parts = ['event.kind == "pull_request"', *(part for part in chosen if part != f'{_BRANCH} != ""')]
        case "tags":
            parts = [_NO_PULL_REQUEST, *automatic, *_chosen(_TAG, section.pattern, others)]
        case "branches":
            parts = [_NO_PULL_REQUEST, *automatic, f'{_TAG} == ""', *_chosen(_BRANCH, section.pattern, others)]
        case _:
            of_branches = [other.pattern for other in sections if other.kind == "branches"]
            parts = [_NO_PULL_REQUEST, *automatic, f'{_TAG} == ""']
            parts += [f"!({bare(matches(_BRANCH, of_branches))})"] if of_branches else []
    return " && ".join(parts)


def _chosen(value: str, pattern: str, others: Iterable[str]) -> list[str]:
    """The conditions that a pattern is the most specific one that matches, which alone counts in Bitbucket."""
    stronger = [other for other in others if _rank(other) > _rank(pattern) and _may_meet(pattern, other)]
    return [matches(value, [pattern]), *([f"!({bare(matches(value, stronger))})"] if stronger else [])]


def _may_meet(first: str, second: str) -> bool:
    some, others = alternatives(first), alternatives(second)
    if len(some) * len(others) > _MOST_COMPARED:
        return True
    return any(overlap(one, other) for one in some for other in others)


def _rank(pattern: str) -> tuple[bool, int]:
    literal = len(pattern.replace("*", "").replace("?", ""))
    return all(is_exact(single) for single in alternatives(pattern)), literal
