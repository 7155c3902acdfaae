"""Commands about runs."""

from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.insight.treatment_page import everything, show_treatment
from cadence.cli.melodium.programs import beside, document_of, is_program, validate_program
from cadence.cli.placement.placement_page import show_placement
from cadence.cli.runs.follow_run import watch
from cadence.cli.runs.run_page import show_run
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Project, Run
from cadence.cli.shared.output import date_time, duration, out, print_findings, print_json, print_table, state_text

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A pipeline document (YAML or JSON), or a Mélodium program; - reads standard input."
    ),
]
Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter's value; may be repeated.")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show progress and log lines until the run has ended.")]


def validate(file: File, project: Project = None, as_json: Json = False) -> None:
    """Check a pipeline document: all findings at once. Or a Mélodium program, with the engine that is here."""
    if is_program(file):
        with told(as_json, file):
            valid = validate_program(connect(project), file, as_json)
        if not valid:
            raise typer.Exit(FAILED)
        return
    with told(as_json, file):
        document = read_document(file)
        checked = connect(project).validate(document, beside(document, file))
    if as_json:
        print_json(checked)
    else:
        print_findings(file, checked["findings"])
        count = len(checked["findings"])
        verdict = f"{checked['name']} is valid" if checked["valid"] else "not valid"
        out.print(f"{file}: {verdict}" + (f", {count} finding{'s' * (count != 1)}" if count else ""), markup=False)
    if not checked["valid"]:
        raise typer.Exit(FAILED)


def run(
    file: File,
    param: Parameters = None,
    follow: Follow = False,
    entrypoint: Annotated[str, typer.Option(help="Of a program: which of its commands.")] = "main",
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARAMETER=NAME", help="Of a program: a parameter that is a secret of the project; may be repeated."
        ),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Run a pipeline document or a Mélodium program (Compo.toml, .mel, .jeu) once. An invalid one starts nothing."""
    parameters, secrets = _parameters(param or []), _parameters(secret or [], "--secret wants PARAMETER=NAME")
    if secrets and not is_program(file):
        raise fail("--secret is for programs: a pipeline document names its secrets itself.", WRONG_USE)
    with told(as_json, file):
        client = connect(project)
        if is_program(file):
            document, programs = document_of(client, file, entrypoint, parameters, secrets)
            run_id = client.run_document(document, programs=programs)
        else:
            document = read_document(file)
            run_id = client.run_document(document, parameters, programs=beside(document, file))
        _started(client, run_id, follow, as_json)


def rerun(
    run_id: Run,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what did not succeed, and what depends on it; the rest is kept.")
    ] = False,
    treatments: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="Also this treatment, and what depends on it; may be repeated.", show_default=False
        ),
    ] = None,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Run the same document with the same parameters once more, all of it or a part."""
    what = treatments or ("failed" if failed else "all")
    with told(as_json):
        client = connect()
        _started(client, client.rerun(run_id, what), follow, as_json)


def start(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="A stored pipeline's name.")],
    param: Parameters = None,
    version: Annotated[int | None, typer.Option(help="A version; the newest by default.", show_default=False)] = None,
    follow: Follow = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Run a stored pipeline."""
    parameters = _parameters(param or [])
    with told(as_json):
        client = connect(project)
        _started(client, client.run_pipeline(pipeline, parameters, version), follow, as_json)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    state: Annotated[str | None, typer.Option(help="Only runs in this state.", show_default=False)] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only runs of this pipeline.", show_default=False)] = None,
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Only runs of this project.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    with told(as_json):
        found = list(connect().runs(limit, project=project, state=state, pipeline=pipeline))
    if as_json:
        print_json(found)
        return
    print_table(
        ("RUN", "PIPELINE", "STATE", "CREATED", "TIME"),
        (
            (
                one["run_id"],
                one["pipeline"],
                state_text(one["state"]),
                date_time(one["created_at"]),
                duration(one["started_at"], one["finished_at"]),
            )
            for one in found
        ),
    )


def show(
    run_id: Run,
    treatment: Annotated[
        str | None, typer.Argument(metavar="TREATMENT", help="One of its treatments.", show_default=False)
    ] = None,
    placement: Annotated[
        bool, typer.Option("--placement", help="Only which pools were considered for the treatment, and why.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a run or a treatment, why it failed first."""
    if placement and not treatment:
        raise fail("--placement is for a treatment: name one.", WRONG_USE)
    with told(as_json):
        client = connect()
        if placement and treatment:
            show_placement(client.treatment(run_id, treatment), as_json)
            return
        if as_json:
            print_json(everything(client, run_id, treatment) if treatment else client.run(run_id))
        elif treatment:
            show_treatment(client, run_id, treatment)
        else:
            show_run(client, run_id)


def cancel(run_id: Run, as_json: Json = False) -> None:
    """Cancel a run."""
    with told(as_json):
        answer = connect().cancel(run_id)
    print_json(answer) if as_json else out.print(f"{run_id} is {answer['state']}", markup=False)


def _started(client: Client, run_id: str, follow: bool, as_json: bool) -> None:
    if not follow:
        print_json({"run_id": run_id}) if as_json else print(run_id)
        return
    if as_json:
        for _ in client.all_logs(run_id, follow=True):
            pass
        ended: Any = client.run(run_id)
        print_json(ended)
    else:
        out.print(f"run {run_id}", markup=False)
        try:
            ended = watch(client, run_id)
        except KeyboardInterrupt:
            raise fail(f"Stopped watching; the run goes on. Cancel it with: cadence cancel {run_id}", 130) from None
        out.print(f"run {run_id}: ", end="", markup=False)
        out.print(state_text(ended["state"]), f"in {duration(ended['started_at'], ended['finished_at'])}")
    if ended["state"] != "succeeded":
        if not as_json:
            out.print(f"Why: cadence show {run_id}", markup=False)
        raise typer.Exit(FAILED)


def _parameters(given: list[str], form: str = "--param wants NAME=VALUE") -> dict[str, str]:
    parameters = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise fail(f"{form}, not {one!r}.", WRONG_USE)
        parameters[name] = value
    return parameters
