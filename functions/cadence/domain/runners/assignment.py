"""The assignment of an agent as JSON (`schemas/runner-protocol/1.json`), without what only one runner has."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from cadence.domain.melodium.specification import ENGINE_TAGS, ProgramSpec, engine_group_id, engine_run_id
from cadence.domain.pipelines.specification import InputSpec, OutputSpec, ServiceSpec, TreatmentSpec
from cadence.domain.runs.run import Run


def work_json(
    run: Run, spec: TreatmentSpec, attempt: int, durations: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """Returns the assignment of one attempt of a treatment; `durations` are those by which its suite is split."""
    return {
        "run_id": run.run_id,
        "treatment": spec.name,
        "attempt": attempt,
        "organization": run.organization,
        "project": run.project,
        "pipeline": run.pipeline,
        "run": spec.run,
        "shell": spec.shell,
        "image": spec.image,
        "env": dict(spec.env),
        "parameters": dict(run.parameters),
        "event": dict(run.event),
        "inputs": [_input_port(port) for port in spec.inputs],
        "outputs": [_output_port(port) for port in spec.outputs],
        "stdin": spec.stdin,
        "stdout": spec.stdout,
        "limits": {"cpu": spec.cpu, "memory": spec.memory, "storage": spec.storage},
        "max_duration": spec.max_duration,
        "services": {service.name: _service(service) for service in spec.services},
        "volumes": dict(spec.volumes),
        "caches": [dataclasses.asdict(cache) for cache in spec.caches],
        **({"steps": [dataclasses.asdict(step) for step in spec.steps]} if spec.steps else {}),
        **({"quarantine": list(spec.quarantine)} if spec.quarantine else {}),
        **({"split": {**dataclasses.asdict(spec.split), "durations": dict(durations or {})}} if spec.split else {}),
        **({"offline": True} if spec.offline else {}),
        **({"engine": _engine(run, spec, attempt)} if spec.engine else {}),
    }


def _engine(run: Run, spec: TreatmentSpec, attempt: int) -> dict[str, Any]:
    """Returns the engine's settings, with their tag around them; complete except for the files of a program."""
    engine = spec.engine
    if isinstance(engine, ProgramSpec):
        parameters = {name: {"type": engine.types[name], "value": value} for name, value in engine.parameters.items()}
        secrets = {
            name: {"type": engine.types[name], "variable": variable} for name, variable in engine.secrets.items()
        }
        return {
            "program": {
                "sha256": engine.program,
                "entrypoint": engine.entrypoint,
                "treatment": engine.treatment,
                "parameters": parameters,
                "errors": engine.errors,
                "check_only": engine.check_only,
                "version": engine.version,
                **({"secrets": secrets} if secrets else {}),
                **({} if engine.captured is None else {"captured": dict(engine.captured)}),
                "run_id": engine_run_id(run.run_id, spec.name, attempt),
                "group_id": engine_group_id(run.run_id),
            }
        }
    return {ENGINE_TAGS[type(engine)]: dataclasses.asdict(engine)} if engine else {}


def _input_port(port: InputSpec) -> dict[str, Any]:
    settings: dict[str, Any] = {"port": port.port, "flow": port.flow, "type": port.type}
    if port.source_treatment is None and port.stored is None:
        settings["fed"] = False
    if port.literal is not None:
        settings["literal"] = port.literal
    return settings if port.path is None else {**settings, "path": port.path}


def _output_port(port: OutputSpec) -> dict[str, Any]:
    settings: dict[str, Any] = {"port": port.port, "flow": port.flow, "type": port.type}
    if port.optional:
        settings["optional"] = True
    return settings if port.path is None else {**settings, "path": port.path}


def _service(service: ServiceSpec) -> dict[str, Any]:
    health = {
        "command": list(service.health_command),
        "interval": service.health_interval,
        "timeout": service.health_timeout,
    }
    return {
        "image": service.image,
        "env": dict(service.env),
        "command": None if service.command is None else list(service.command),
        "ports": list(service.ports),
        "health": health if service.health_command else None,
        "volumes": dict(service.volumes),
        "cpu": service.cpu,
        "memory": service.memory,
    }
