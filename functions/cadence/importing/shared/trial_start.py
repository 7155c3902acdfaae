"""Holds imported documents to what a start asks of them: no value may be empty where one is needed."""

import re
from typing import Any

from cadence.domain.pipelines.document import Finding, Pipeline, bind_parameters
from cadence.domain.pipelines.document.connections.types import Scalar
from cadence.domain.pipelines.planning import RunFacts, instantiate
from cadence.importing.shared.draft import ImportDraft

_MAY_BE_MISSING = re.compile(r'\$\{\{ \(?has\(((?:event|matrix)\.\w+)\) \? \1 : ""\)? \}\}')
_PARAMETER = re.compile(r"\$\{\{ (parameters\.(\w+)) \}\}")
_READ_AS_JSON = re.compile(r"fromJson\(parameters\.(\w+)\)")
_OTHERWISE = {"image": "latest"}
_NEEDED = frozenset({"image", "cache", "environment", "services"})
_MAY_BE_EMPTY = frozenset({"env", "command"})
_EXAMPLES = {Scalar.BOOL: False, Scalar.STRING: "x"}


def fill_needed_values(draft: ImportDraft) -> None:
    """Gives expressions over the event or the matrix another value where an empty one would refuse the run.

    A run that no push starts has no branch and no commit. Images get the tag `latest` then, all else is `none`.
    """
    for treatment in draft.treatments.values():
        for key in _NEEDED & treatment.body.keys():
            treatment.body[key] = _filled(draft, treatment.body[key], key)
    if "concurrency" in draft.settings:
        draft.settings["concurrency"] = _filled(draft, draft.settings["concurrency"], "concurrency")


def _filled(draft: ImportDraft, value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: part if name in _MAY_BE_EMPTY else _filled(draft, part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(draft, part, key) for part in value]
    if not isinstance(value, str):
        return value
    whole = _PARAMETER.fullmatch(value)
    if whole and key != "image" and draft.parameters.get(whole[2], {}).get("default") == "":
        return f'${{{{ {whole[1]} != "" ? {whole[1]} : "none" }}}}'
    return _MAY_BE_MISSING.sub(rf'${{{{ has(\1) ? \1 : "{_OTHERWISE.get(key, "none")}" }}}}', value)


def refusals_of_start(pipeline: Pipeline, document: str = "") -> tuple[Finding, ...]:
    """Returns the findings that refuse a run which a user starts with the defaults of the parameters.

    Parameters without a default have an example as their value: those that `document` reads as JSON an empty object.
    """
    json_texts = set(_READ_AS_JSON.findall(document))
    required = {
        name: "{}"
        if name in json_texts
        else _EXAMPLES.get(parameter.type, 1)
        if isinstance(parameter.type, Scalar)
        else None
        for name, parameter in pipeline.parameters.items()
        if parameter.required
    }
    parameters = {**bind_parameters(pipeline, {}).values, **required}
    return instantiate(pipeline, parameters, {"kind": "api"}, RunFacts("run", pipeline.name, "project")).findings
