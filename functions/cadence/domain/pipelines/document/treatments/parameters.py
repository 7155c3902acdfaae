"""Reads the parameters that a document declares, and checks the values given to a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.domain.pipelines.document.connections.ports import type_problem
from cadence.domain.pipelines.document.connections.types import (
    DataType,
    Option,
    Scalar,
    TypeSyntaxError,
    parse_data_type,
)
from cadence.domain.pipelines.document.draft import mapping
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Finding, Problems, Severity, pointer
from cadence.domain.pipelines.document.pipeline import Parameter, Pipeline
from cadence.domain.pipelines.document.syntax.literals import mismatch
from cadence.domain.pipelines.document.treatments.sizes import MAX_PARAMETERS_BYTES, stored_size
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

_SMALLER = "Keep what is large in the repository."
_TEXTUAL = (Scalar.STRING, Scalar.CHAR)


@dataclass(frozen=True, slots=True)
class BoundParameters:
    """The value of each parameter of a run (one without value is left out), and the findings about the given values."""

    values: Mapping[str, Any]
    findings: tuple[Finding, ...]


def bind_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> BoundParameters:
    """Checks given values against the pipeline's parameters and fills in defaults.

    Text given for a parameter that is not text is read as JSON, since command lines and forms know only text.
    """
    values: dict[str, Any] = {}
    findings = [
        _finding(
            Code.UNKNOWN_PARAMETER,
            name,
            f"The pipeline has no parameter {shown(name)}.",
            suggestion(name, pipeline.parameters),
        )
        for name in given
        if name not in pipeline.parameters
    ]
    for name, parameter in pipeline.parameters.items():
        if name not in given:
            if parameter.required:
                findings.append(
                    _finding(
                        Code.MISSING_PARAMETER,
                        name,
                        f"The parameter {shown(name)} has to be given.",
                        f"Its type is {parameter.type}.",
                    )
                )
            elif parameter.has_default:
                values[name] = parameter.default
            continue
        value = _from_text(given[name], parameter.type)
        why = mismatch(value, parameter.type)
        if why is None:
            values[name] = value
        else:
            findings.append(_finding(Code.BAD_PARAMETER, name, f"The parameter {shown(name)}: {why}.", None))
    if (size := stored_size(values)) > MAX_PARAMETERS_BYTES:
        findings.append(
            Finding(
                code=Code.WRONG_SIZE,
                severity=Severity.ERROR,
                message=_too_large(size),
                pointer="",
                line=0,
                column=0,
                hint=_SMALLER,
            )
        )
    return BoundParameters(values, tuple(findings))


def read_parameters(data: Mapping[str, Any], problems: Problems) -> dict[str, Parameter]:
    """Returns the valid parameters that a document declares; adds what is wrong with others to `problems`.

    A parameter without default is required, unless it has `required: false` or is an `Option`.
    """
    parameters: dict[str, Parameter] = {}
    for name, body in mapping(data.get("parameters")).items():
        text = mapping(body).get("type")
        if not isinstance(text, str) or not text:
            continue
        path = ("parameters", name)
        try:
            data_type = parse_data_type(text)
        except TypeSyntaxError as error:
            problems.add(type_problem(error, (*path, "type")))
            continue
        has_default = "default" in body
        why = mismatch(body["default"], data_type) if has_default else None
        if why is not None:
            problems.add(
                DocumentProblem(
                    code=Code.BAD_DEFAULT,
                    message=f"The default of parameter {shown(name)} does not fit: {why}.",
                    path=(*path, "default"),
                    hint=f"Its type is {data_type}.",
                )
            )
        optional = has_default or isinstance(data_type, Option)
        parameters[name] = Parameter(
            name=name,
            type=data_type,
            description=body.get("description", ""),
            required=body.get("required", not optional),
            has_default=has_default,
            default=body.get("default"),
        )
    size = stored_size({name: parameter.default for name, parameter in parameters.items()})
    if size > MAX_PARAMETERS_BYTES:
        problems.add(
            DocumentProblem(
                code=Code.WRONG_SIZE, message=_too_large(size), path=("parameters",), hint=_SMALLER, at_key=True
            )
        )
    return parameters


def _too_large(size: int) -> str:
    return f"The parameters take {size:,} bytes as JSON, {MAX_PARAMETERS_BYTES:,} at most are possible."


def _from_text(value: Any, wanted: DataType) -> Any:
    textual = wanted.item in _TEXTUAL if isinstance(wanted, Option) else wanted in _TEXTUAL
    if not isinstance(value, str) or textual:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _finding(code: Code, name: str, message: str, hint: str | None) -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, message=message, pointer=pointer((name,)), line=0, column=0, hint=hint
    )
