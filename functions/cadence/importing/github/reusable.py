"""Jobs that call a reusable workflow: treatments that start a pipeline."""

import shlex
from typing import Any

from cadence.importing.github.cel import translated
from cadence.importing.github.expressions import (
    Binary,
    Expression,
    GitHubExpressionError,
    LiteralValue,
    MemberAccess,
)
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression, split
from cadence.importing.shared.draft import ImportedTreatment
from cadence.importing.shared.names import slug
from cadence.importing.shared.yaml_source import mapping, plain


def write_trigger(job: GitHubJob, uses: str) -> None:
    """Has the treatment start the pipeline of the workflow.

    Values that are known when the run starts are parameters; outputs of other jobs are inputs of the treatment, which
    become parameters. With any other value the treatment does not run.
    """
    path = uses.partition("@")[0].removesuffix(".yml").removesuffix(".yaml")
    pipeline = slug(path.rpartition("/")[2])
    if pipeline == job.draft.name and not path.startswith(("./", "$/")):
        pipeline = slug(
            f"{path.partition('/')[0]} {pipeline}"
        )  # the workflow is named as the one of others that it calls
    given = mapping(job.body.get("with"))
    parameters: dict[str, Any] = {}
    for key, value in given.items():
        name = slug(plain(key), "_", "p")
        output = _output_of_job(job, value)
        if output is not None:
            job.treatment.inputs[name] = "Block<string>"
            job.passed_outputs[name] = output
        elif isinstance(value, str) and (made := _made_of_outputs(job, name, value)) is not None:
            producer, port, kind = made
            job.treatment.inputs[name] = kind
            job.draft.connect(producer, port, job.treatment, name)
        elif isinstance(value, str):
            _add_text(job, parameters, name, value, (plain(key), pipeline))
        else:
            parameters[name] = value
    trigger = {"pipeline": pipeline, **({"parameters": parameters} if parameters else {}), "wait": True}
    job.treatment.body["trigger"] = trigger
    job.note(
        job.line(job.body, "uses"), f"uses: {uses}", "A reusable workflow becomes a pipeline of its own.",
        f"Import that file too and store it as the pipeline {pipeline}.",
    )  # fmt: skip
    _note_secrets(job, pipeline)


def _output_of_job(job: GitHubJob, value: Any) -> tuple[str, str] | None:
    """The job and the output that a value is, if it is one and nothing else."""
    node = only_expression(value) if isinstance(value, str) else None
    return _output_of_node(job, node) if node is not None else None


def _made_of_outputs(job: GitHubJob, name: str, text: str) -> tuple[ImportedTreatment, str, str] | None:
    """Has a job write a value that is made of its outputs alone. Returns its treatment, the new output, and the type.

    None for a value that has anything else, or outputs of several jobs.
    """
    script, kind = "", "Block<string>"
    match only_expression(text):
        case Binary("==" | "!=" as operator, node, LiteralValue(str() as literal)) if found := _output_of_node(
            job, node
        ):
            found_in, kind = {found[0]}, "Block<bool>"
            holds, fails = ("true", "false") if operator == "==" else ("false", "true")
            script = f"if [ {_read(job, found)} = {shlex.quote(literal)} ]; then echo {holds}; else echo {fails}; fi"
        case _:
            parts = split(text)
            outputs = [_output_of_job(job, f"${{{{{part}}}}}") for part in parts[1::2]]
            known = [output for output in outputs if output is not None]
            found_in = {output[0] for output in known}
            if len(known) < len(outputs):
                return None
            words = [shlex.quote(part) if part else "" for part in parts]
            words[1::2] = [_read(job, output) for output in known]
            script = f"printf '%s\\n' {''.join(words)}"
    if len(found_in) != 1:
        return None
    producer = job.draft.treatments[job.scope.needs[found_in.pop()]]
    if not producer.body.keys().isdisjoint(("matrix", "each", "trigger")):
        return None  # each instance would have a value of its own
    port = producer.output(f"{job.treatment.name}_{name}", kind)
    last = producer.body["steps"][-1] if "steps" in producer.body else producer.body
    last["run"] += f'{script} > "$CADENCE_OUT_{port}"\n'
    return producer, port, kind


def _read(job: GitHubJob, output: tuple[str, str]) -> str:
    """A shell word with an output, in the script of the job that has written it."""
    return f'"$(cat "$CADENCE_OUT_{job.outputs_of_needs[output[0]][output[1]]}")"'


def _output_of_node(job: GitHubJob, node: Expression) -> tuple[str, str] | None:
    match node:
        case MemberAccess(("needs", str(other), "outputs", str(name))) if name in job.outputs_of_needs.get(other, ()):
            return other, name
        case _:
            return None


def _add_text(job: GitHubJob, parameters: dict[str, Any], name: str, text: str, names: tuple[str, str]) -> None:
    key, pipeline = names
    try:
        parameters[name] = translated(text, job.scope)
    except GitHubExpressionError as error:
        job.never = True
        job.note(
            job.line(mapping(job.body["with"]), key), f"with {key}: {text}",
            f"The pipeline cannot be given this value: {error}. The treatment has when: false.",
            "Make it an output Block<string> of a treatment and connect that to an input of this one, which becomes the "
            f"parameter; or let {pipeline} start itself by on.pipeline, with parameters from event.outputs.",
        )  # fmt: skip


def _note_secrets(job: GitHubJob, pipeline: str) -> None:
    secrets = job.body.get("secrets")
    if not secrets:
        return
    described = ", ".join(map(plain, secrets)) if isinstance(secrets, dict) else plain(secrets)
    job.note(
        job.line(job.body, "secrets"), f"secrets: {described}", "A treatment hands on no secrets to the run that it starts.",
        f"Name the secrets of the project in the treatments of {pipeline} that use them.",
    )  # fmt: skip
