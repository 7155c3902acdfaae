"""Keys that other systems use, with what to write in their place."""

import re
from collections.abc import Iterable
from typing import Any

from cadence.domain.pipelines.document.findings import Path

_IMPORT = "This looks like a file of another CI system: cadence import FILE converts it."
_IMPORTED = frozenset({"jobs", "stages", "include", "script", "before_script", "pipelines"})
_OF_DOCUMENT = {
    "version": "Write cadence: 1, the version of this language.",
    "jobs": "Write treatments.",
    "stages": "Treatments have no stages: `after` orders them.",
    "steps": "Write treatments.",
    "pipelines": "Write treatments.",
    "script": "Scripts belong to treatments, as `run`.",
    "permissions": "Runs have no permissions of a code host.",
    "variables": "Write defaults: {env: {NAME: value}}.",
    "env": "Write defaults: {env: {NAME: value}}.",
    "image": "An image belongs to a treatment.",
}
_OF_TREATMENT = {
    "needs": "Write after: [name].",
    "depends_on": "Write after: [name].",
    "dependencies": "Write after: [name], or connect an output to an input.",
    "script": "Write `run`.",
    "commands": "Write `run`.",
    "command": "Write `run`.",
    "timeout": "Write max_duration, in seconds.",
    "timeout-minutes": "Write max_duration, in seconds.",
    "if": "Write `when`.",
    "variables": "Write `env`.",
    "environment_variables": "Write `env`.",
    "container": "Write `image`.",
    "runs-on": "Write pools: [name].",
    "tags": "Write pools: [name].",
    "artifacts": "Write outputs: {name: {type: Stream<byte>, path: folder/}}.",
    "strategy": "Write `matrix`.",
    "parallel": "Write `matrix`.",
    "stage": "Treatments have no stages: write after: [name].",
    "uses": "Write `use` with a definition, or the commands in `run`.",
    "continue-on-error": "Write soft_fail: true.",
    "allow_failure": "Write soft_fail: true.",
}

_OF_SOURCE = {
    "depth": "Leave it out: the files come without history.",
    "fetch-depth": "Leave it out: the files come without history.",
    "sparse": "Write paths: [src].",
    "sparse-checkout": "Write paths: [src].",
    "token": "Leave it out: Cadence fetches the files itself.",
    "ref": "Leave it out: it is the commit that started the run.",
}
_OF_TRIGGERS = {
    "merge_request": "Write pull_request: it stands for merge requests, too.",
    "merge_requests": "Write pull_request: it stands for merge requests, too.",
    "pull_request_target": "Write pull_request: forks run the files of the branch that they are to be merged into.",
    "tag": 'Write push: {tags: ["*"]}.',
    "tags": 'Write push: {tags: ["*"]}.',
    "cron": "Write schedule: [{cron: …}].",
    "workflow_dispatch": "Leave it out: `cadence run` and the API start every pipeline.",
    "manual": "Leave it out: `cadence run` and the API start every pipeline.",
    "workflow_run": "Write pipeline: [{name: …}].",
}
_OF_TYPES = {
    "synchronize": "Write updated.",
    "synchronized": "Write updated.",
    "update": "Write updated.",
    "labeled": "Write labelled.",
    "unlabeled": "Write unlabelled.",
    "label_updated": "Write labelled.",
    "label_cleared": "Write unlabelled.",
    "merged": "Write closed, and when: ${{ event.merged }} in the treatments.",
    "merge": "Write closed, and when: ${{ event.merged }} in the treatments.",
    "close": "Write closed.",
    "open": "Write opened.",
    "reopen": "Write reopened.",
}
_OF_STEP = {
    "script": "Write `run`.",
    "commands": "Write `run`.",
    "command": "Write `run`.",
    "uses": "Write the commands in `run`; steps use no definitions.",
    "with": "Set variables in `env`.",
    "id": "A step's name identifies it. It passes values on in files, or as lines NAME=value in $CADENCE_ENV.",
    "if": "Write `when`, or always: true.",
    "continue-on-error": "Write soft_fail: true.",
    "allow_failure": "Write soft_fail: true.",
    "working-directory": "Begin the script with cd.",
    "timeout-minutes": "Only whole treatments have a time limit: call timeout in the script.",
    "timeout": "Only whole treatments have a time limit: call timeout in the script.",
    "image": "All steps run in the treatment's image. Write another treatment.",
    "secrets": "Secrets belong to the treatment.",
}


def hint_for(path: Path, key: str) -> str | None:
    """Returns what to write in place of a key of another system; `path` is that of the mapping which holds the key."""
    match path:
        case ():
            return _OF_DOCUMENT.get(key)
        case ("treatments" | "definitions", _):
            return _OF_TREATMENT.get(key)
        case ("treatments" | "definitions", _, "source"):
            return _OF_SOURCE.get(key)
        case ("treatments" | "definitions", _, "steps", _):
            return _OF_STEP.get(key)
        case ("on",):
            return _OF_TRIGGERS.get(key)
        case _:
            return None


def is_named_otherwise(path: Path, keys: Iterable[str], missing: str) -> bool:
    """Returns whether one of `keys` is another system's name for a key that is missing at `path`.

    The hint of that key names the missing one already.
    """
    return any(re.search(rf"\b{re.escape(missing)}\b", hint_for(path, key) or "") for key in keys)


def import_hint(document: Any, missing: str) -> str | None:
    """Returns the hint that a file is to be imported, for the first missing key of a document of another system."""
    if not isinstance(document, dict) or _IMPORTED.isdisjoint(document):
        return None
    return _IMPORT if missing == next((key for key in ("cadence", "treatments") if key not in document), "") else None


def hint_for_value(path: Path, value: Any) -> str | None:
    """Returns what to write in place of a value of another system; `path` is that of the value."""
    match path:
        case ("on", "pull_request", "types", _) if isinstance(value, str):
            return _OF_TYPES.get(value)
        case _:
            return None
