"""Checks of pipelines that start each other."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.document.draft import mapping
from cadence.domain.document.findings import Code, Path, Problem
from cadence.domain.document.wording import shown


def check_triggers(document: Mapping[str, Any]) -> Iterator[Problem]:
    """A pipeline that starts itself would do so for ever."""
    name = document.get("name")
    started: list[tuple[Any, Path]] = [
        (mapping(mapping(body).get("trigger")).get("pipeline"), ("treatments", treatment, "trigger", "pipeline"))
        for treatment, body in mapping(document.get("treatments")).items()
        if isinstance(body, dict) and "trigger" in body
    ]
    starts = mapping(document.get("on")).get("pipeline")
    for index, entry in enumerate(starts if isinstance(starts, list) else []):
        started.append((mapping(entry).get("name"), ("on", "pipeline", index, "name")))
    for pipeline, path in started:
        if isinstance(name, str) and pipeline == name:
            message = f"The pipeline {shown(name)} would start itself, without end."
            yield Problem(Code.TRIGGERS_ITSELF, message, path, "Name another pipeline.")
