"""Reads the settings of a specification from a treatment's body in which everything is evaluated."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.melodium.specification import ProgramSpec, secret_variable
from cadence.domain.pipelines.document.pipeline import DEFAULT_SHELL, DEFAULT_TREATMENT_DURATION, UsedProgram
from cadence.domain.pipelines.document.project_secrets import secrets_of
from cadence.domain.pipelines.document.treatments.residency import residency_of
from cadence.domain.pipelines.expression import text_of
from cadence.domain.pipelines.specification import (
    CacheSpec,
    RetrySpec,
    ServiceSpec,
    SoftFailSpec,
    SplitSpec,
    TriggerSpec,
)
from cadence.domain.pipelines.step_spec import StepSpec

_AS_WRITTEN = ("image", "stdin", "stdout", "cpu", "memory", "storage", "arch")
_ESCAPED = "$${{"


def settings(body: Mapping[str, Any], program: UsedProgram | None = None) -> dict[str, Any]:
    """Returns the fields of a TreatmentSpec that a body sets; those it does not set are left out."""
    fields: dict[str, Any] = {key: body[key] for key in _AS_WRITTEN if key in body}
    fields["run"] = _script(body.get("run", ""))
    fields["shell"] = shell = body.get("shell", DEFAULT_SHELL)
    if "steps" in body:
        fields["steps"] = tuple(_step(step, shell) for step in body["steps"])
    fields["max_duration"] = body.get("max_duration", DEFAULT_TREATMENT_DURATION)
    if secrets := secrets_of(body):
        fields["secrets"] = secrets
    for key, name, read in (
        ("env", "env", _variables),
        ("pools", "pools", tuple),
        ("residency", "residency", _residency),
        ("retry", "retry", _retry),
        ("soft_fail", "soft_fail", _soft_fail),
        ("volumes", "volumes", dict),
        ("services", "services", _services),
        ("cache", "caches", _caches),
        ("reports", "quarantine", _quarantine),
        ("reports", "split", _split),
        ("id_token", "id_token", _audience),
        ("trigger", "trigger", _trigger),
    ):
        if key in body:
            fields[name] = read(body[key])
    if "melodium" in body and program is not None:
        fields["engine"] = _program(body["melodium"], program)
    if "environment" in body:
        environment = body["environment"]
        fields["environment"] = environment["name"] if isinstance(environment, Mapping) else environment
    return fields


def _script(written: str) -> str:
    return written.replace(_ESCAPED, "${{") if _ESCAPED in written else written


def _step(body: Mapping[str, Any], shell: str) -> StepSpec:
    return StepSpec(
        name=body["name"],
        run=_script(body["run"]),
        shell=body.get("shell", shell),
        env=_variables(body.get("env", {})),
        always=body.get("always", False),
        on_failure=body.get("on_failure", False),
        soft_fail=body.get("soft_fail", False),
        skip=not body.get("when", True),
    )


def _variables(env: Mapping[str, Any]) -> dict[str, str]:
    """Returns the texts of environment variables: true, false and numbers as they are written."""
    return {name: text_of(value) for name, value in env.items()}


def _residency(written: Any) -> tuple[str, ...]:
    return residency_of({"residency": written}, {})


def _retry(body: Mapping[str, Any]) -> RetrySpec:
    return RetrySpec(**{**body, "exit_codes": tuple(body.get("exit_codes", ()))})


def _soft_fail(written: Any) -> SoftFailSpec | None:
    if isinstance(written, Mapping):
        return SoftFailSpec(tuple(written["exit_codes"]))
    return SoftFailSpec() if written else None


def _services(services: Mapping[str, Any]) -> tuple[ServiceSpec, ...]:
    specs = []
    for name, body in services.items():
        limits = {key: body[key] for key in ("cpu", "memory") if key in body}
        health = body.get("health", {})
        limits.update({f"health_{key}": health[key] for key in ("interval", "timeout") if key in health})
        specs.append(
            ServiceSpec(
                name=name,
                image=body["image"],
                env=_variables(body.get("env", {})),
                command=tuple(body["command"]) if "command" in body else None,
                ports=tuple(body.get("ports", ())),
                health_command=tuple(health.get("command", ())),
                volumes=dict(body.get("volumes", {})),
                **limits,
            )
        )
    return tuple(specs)


def _caches(written: Any) -> tuple[CacheSpec, ...]:
    caches = written if isinstance(written, list) else [written]
    return tuple(
        CacheSpec(cache["key"], tuple(cache["paths"]), tuple(cache.get("files", ())), tuple(cache.get("restore", ())))
        for cache in caches
    )


def _audience(id_token: Mapping[str, Any]) -> str:
    return str(id_token["audience"])


def _quarantine(reports: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(reports.get("quarantine", ()))


def _split(reports: Mapping[str, Any]) -> SplitSpec | None:
    """Returns the whole suite as the only share; an instance of a matrix gets its own when it is made."""
    return SplitSpec(files=reports["split"]["files"]) if "split" in reports else None


def _trigger(body: Mapping[str, Any]) -> TriggerSpec:
    document = body.get("document")
    return TriggerSpec(
        pipeline=body.get("pipeline"),
        parameters=dict(body.get("parameters", {})),
        # A generated run is a part of its run, which cannot end before it.
        wait=document is not None or body.get("wait", False),
        document=document,
    )


def _program(body: Mapping[str, Any], program: UsedProgram) -> ProgramSpec:
    parameters = dict(body.get("parameters", {}))
    return ProgramSpec(
        program=program.sha256,
        entrypoint=program.entrypoint,
        treatment=program.treatment,
        parameters=parameters,
        types={name: str(program.parameters[name]) for name in parameters} | dict(program.secret_types),
        errors=body.get("errors", "fail"),
        version=program.engine,
        secrets={name: secret_variable(name) for name in body.get("secrets", {})},
    )
