"""Builds the `Pipeline` of a document in which nothing is wrong, with defaults resolved."""

from collections.abc import Mapping
from typing import Any, cast

from cadence.domain.document.draft import Draft, DraftTreatment
from cadence.domain.document.pipeline import (
    DEFAULT_RUN_DURATION,
    DEFAULT_SHELL,
    DEFAULT_TREATMENT_DURATION,
    Connection,
    GitTrigger,
    Parameter,
    Pipeline,
    Port,
    Schedule,
    Treatment,
    Triggers,
)
from cadence.domain.document.ports import Ports


def assemble(
    data: Mapping[str, Any], draft: Draft, connections: tuple[Connection, ...], parameters: Mapping[str, Parameter]
) -> Pipeline:
    """The pipeline of a document that passed every check."""
    treatments = {name: _treatment(draft.treatments[name], draft.defaults) for name in draft.treatments}
    return Pipeline(
        name=data["name"],
        treatments=treatments,
        connections=connections,
        parameters=parameters,
        triggers=_triggers(data.get("on", {})),
        max_duration=data.get("max_duration", DEFAULT_RUN_DURATION),
    )


def _treatment(draft: DraftTreatment, defaults: Mapping[str, Any]) -> Treatment:
    body = draft.body
    retry = {**defaults.get("retry", {}), **body.get("retry", {})}
    return Treatment(
        name=draft.name,
        run=body.get("run", ""),
        shell=body.get("shell", DEFAULT_SHELL),
        image=body.get("image"),
        inputs=_ports(draft.inputs),
        outputs=_ports(draft.outputs),
        env={name: _variable(value) for name, value in {**defaults.get("env", {}), **body.get("env", {})}.items()},
        secrets=body.get("secrets", {}),
        pools=tuple(body.get("pools", defaults.get("pools", ()))),
        cpu=body.get("cpu", defaults.get("cpu")),
        memory=body.get("memory", defaults.get("memory")),
        storage=body.get("storage", defaults.get("storage")),
        arch=body.get("arch", defaults.get("arch")),
        max_duration=body.get("max_duration", defaults.get("max_duration", DEFAULT_TREATMENT_DURATION)),
        retry_infrastructure=retry.get("infrastructure", 0),
        retry_failure=retry.get("failure", 0),
        after=tuple(body.get("after", ())),
    )


def _ports(ports: Ports | None) -> Mapping[str, Port]:
    """The ports as they are: in a valid document each of them could be read."""
    return cast(Mapping[str, Port], ports or {})


def _variable(value: str | int | bool) -> str:
    """An environment variable's text: true, false and numbers as they are written."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _triggers(on: Mapping[str, Any]) -> Triggers:
    return Triggers(
        push=_git_trigger(on, "push"),
        pull_request=_git_trigger(on, "pull_request"),
        schedule=tuple(Schedule(entry["cron"], entry.get("timezone", "UTC")) for entry in on.get("schedule", ())),
    )


def _git_trigger(on: Mapping[str, Any], event: str) -> GitTrigger | None:
    if event not in on:
        return None
    patterns = on[event] or {}
    return GitTrigger(tuple(patterns.get("branches", ())), tuple(patterns.get("paths", ())))
