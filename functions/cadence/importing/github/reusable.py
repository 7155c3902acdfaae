"""Jobs that call a reusable workflow: treatments that start a pipeline."""

from typing import Any

from cadence.importing.github.cel import translated
from cadence.importing.github.expressions import GitHubExpressionError, MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression
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
    match only_expression(value) if isinstance(value, str) else None:
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
