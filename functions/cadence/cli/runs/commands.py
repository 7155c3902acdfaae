"""The commands about runs: validate, run, start, rerun, show and cancel."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import NotConnected, connect
from cadence.cli.client.session import ApiError, Unreachable
from cadence.cli.insight.treatment_page import show_treatment, treatment_details
from cadence.cli.melodium.program_files import document_of_program, is_program, programs_beside
from cadence.cli.melodium.program_validation import validate_program
from cadence.cli.placement.placement_page import show_placement
from cadence.cli.runs.cost_page import show_cost
from cadence.cli.runs.follow_run import follow_run
from cadence.cli.runs.run_page import show_run
from cadence.cli.runs.working_tree import tree_for
from cadence.cli.shared.arguments import name_value_pairs
from cadence.cli.shared.completion import complete_pipeline
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import FAILED, INTERRUPTED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.library_files import libraries_beside
from cadence.cli.shared.offline_validation import validate_offline
from cadence.cli.shared.options import InAttempt, Json, MaybeTreatment, Project, Run
from cadence.cli.shared.output import (
    duration,
    out,
    print_findings,
    print_json,
    print_result,
    print_section_table,
    run_state,
)
from cadence.cli.shared.pager import paged

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="Pipeline documents (YAML or JSON) or Mélodium programs; - reads standard input."
    ),
]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A pipeline document (YAML or JSON) or a Mélodium program; - reads standard input."
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="The value of a parameter; may be repeated."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show progress and log lines until the run ends.")]


def validate(
    files: Files,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline", help="Check without a server; pools, secrets and definitions from elsewhere are not."
        ),
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Validate pipeline documents and print all findings.

    A Mélodium program is also checked by the engine if one is installed on this machine.
    """
    valid = [_validate(file, project, as_json, offline) for file in files]
    if not all(valid):
        raise typer.Exit(FAILED)


def _validate(file: str, project: str | None, as_json: bool, offline: bool) -> bool:
    if is_program(file):
        if offline:
            raise fail(f"{file} is a program, which is checked by a server: leave out --offline.", WRONG_USE)
        with reporting_errors(as_json, file):
            return validate_program(connect(project), file, as_json)
    with reporting_errors(as_json, file):
        document = read_document(file)
        checked = (
            validate_offline(document, file) if offline else _placed(_checked_by_server(document, file, project), file)
        )
    if as_json:
        print_json(checked)
    else:
        print_findings(file, checked["findings"])
        _print_secrets(checked["secrets"])
        count = len(checked["findings"])
        verdict = f"{checked['name'] or 'the document'} is valid" if checked["valid"] else "not valid"
        out.print(f"{file}: {verdict}" + (f", {count} finding{'s' * (count != 1)}" if count else ""), markup=False)
    return bool(checked["valid"])


def _print_secrets(secrets: list[dict[str, Any]]) -> None:
    """Prints whose secrets the names in a document mean."""
    if not secrets:
        return
    rows = []
    for one in secrets:
        used_by = one["treatment"] or f"registry {one['registry']}"
        owner = one["owner"] and one["owner"].replace(":", " ")
        bound = f", environment {one['environment']}" if one["environment"] else ""
        rows.append(
            (
                one["name"],
                used_by + (f" in {', '.join(one['pools'])}" if one["pools"] else ""),
                f"{owner}{bound}" if owner else f"{one['state']}: {one['reason']}",
            )
        )
    print_section_table(("SECRET", "USED BY", "FROM"), rows)


def _checked_by_server(document: str, file: str, project: str | None) -> Any:
    try:
        return connect(project).validate(
            document, programs_beside(document, file), libraries_beside(document, file).as_body()
        )
    except NotConnected as error:
        raise NotConnected(f"{error}\n    Without a server: cadence validate --offline {file}") from error
    except Unreachable as error:
        raise Unreachable(f"{error}\n    Without a server: cadence validate --offline {file}") from error


def _placed(checked: Any, file: str) -> Any:
    """The result without the advice to put a document into `.cadence` of a git working tree if it lies there."""
    folder = Path(file).resolve().parent
    if file == "-" or folder.name != ".cadence" or not (folder.parent / ".git").exists():
        return checked
    return {**checked, "findings": [one for one in checked["findings"] if one["code"] != "no-source"]}


def run(
    file: File,
    param: Parameters = None,
    follow: Follow = False,
    entrypoint: Annotated[str, typer.Option(help="For a program: the entrypoint to run.")] = "main",
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARAMETER=NAME",
            help="For a program: a parameter whose value is a secret of the project; may be repeated.",
        ),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Run a pipeline document or a Mélodium program (Compo.toml, .mel, .jeu) once.

    The document is validated first; nothing starts unless it is valid. Treatments with `source: true` receive the files
    of the git working tree that the document lies in, with changes that are not committed.
    """
    parameters = name_value_pairs("--param", param)
    secrets = name_value_pairs("--secret", secret, "PARAMETER=NAME")
    if secrets and not is_program(file):
        raise fail("--secret is for programs only: a pipeline document names its secrets itself.", WRONG_USE)
    with reporting_errors(as_json, file):
        client = connect(project)
        if is_program(file):
            document, programs = document_of_program(client, file, entrypoint, parameters, secrets)
            run_id = client.run_document(document, programs=programs)
        else:
            document = read_document(file)
            tree = tree_for(document, file)
            run_id = client.run_document(
                document,
                parameters,
                programs=programs_beside(document, file),
                source=tree.packed if tree else None,
                libraries=libraries_beside(document, file).as_body(),
            )
        _report_started(client, run_id, follow, as_json)


def rerun(
    run_id: Run,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="Run only what did not succeed and what depends on it; other results are reused."
        ),
    ] = False,
    treatments: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="Run also this treatment and what depends on it; may be repeated.", show_default=False
        ),
    ] = None,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Run the same document with the same parameters again, all of it or a part."""
    part = treatments or ("failed" if failed else "all")
    with reporting_errors(as_json):
        client = connect()
        _report_started(client, client.rerun(run_id, part), follow, as_json)


def start(
    pipeline: Annotated[
        str, typer.Argument(metavar="PIPELINE", help="The name of a stored pipeline.", autocompletion=complete_pipeline)
    ],
    param: Parameters = None,
    version: Annotated[int | None, typer.Option(help="A version (default: the newest).", show_default=False)] = None,
    follow: Follow = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Run a stored pipeline."""
    parameters = name_value_pairs("--param", param)
    with reporting_errors(as_json):
        client = connect(project)
        _report_started(client, client.run_pipeline(pipeline, parameters, version), follow, as_json)


def show(
    run_id: Run,
    treatment: MaybeTreatment = None,
    placement: Annotated[
        bool,
        typer.Option("--placement", help="Show only the pools considered for the treatment, with the reasons."),
    ] = False,
    attempt: InAttempt = None,
    cost: Annotated[bool, typer.Option("--cost", help="Show only the cost of the run, by treatment.")] = False,
    as_json: Json = False,
) -> None:
    """Show a run, or one of its treatments; the cause of a failure comes first."""
    if placement and not treatment:
        raise fail("--placement requires a TREATMENT.", WRONG_USE)
    if attempt and (not treatment or placement):
        raise fail("--attempt requires a TREATMENT, and is not for --placement.", WRONG_USE)
    if cost and treatment:
        raise fail("--cost is for a whole run: leave out TREATMENT.", WRONG_USE)
    with reporting_errors(as_json), paged(not as_json):
        client = connect()
        if placement and treatment:
            show_placement(client.treatment(run_id, treatment), as_json)
        elif cost:
            show_cost(client, run_id, as_json)
        elif as_json:
            print_json(treatment_details(client, run_id, treatment, attempt) if treatment else client.run(run_id))
        elif treatment:
            show_treatment(client, run_id, treatment, attempt)
        else:
            show_run(client, run_id)


def cancel(run_id: Run, as_json: Json = False) -> None:
    """Cancel a run."""
    with reporting_errors(as_json):
        client = connect()
        answer = client.cancel(run_id)
        of = "" if as_json else _of_pipeline(client, answer["run_id"])
    print_result(answer, f"Run {answer['run_id']}{of} is {answer['state']}.", as_json)


def _of_pipeline(client: Client, run_id: str) -> str:
    try:
        return f" of {client.run(run_id)['pipeline']}"
    except ApiError as error:
        if error.status != 403:
            raise
        return ""  # the token may cancel runs and not read them


def _report_started(client: Client, run_id: str, follow: bool, as_json: bool) -> None:
    """Prints the run's id; with `follow` its progress and end, and exits with 1 unless it succeeds."""
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
            ended = follow_run(client, run_id)
        except KeyboardInterrupt:
            raise fail(
                f"Following is interrupted; the run continues. Cancel it with: cadence cancel {run_id}", INTERRUPTED
            ) from None
        out.print(f"run {run_id}: ", end="", markup=False)
        out.print(run_state(ended), f"in {duration(ended['started_at'], ended['finished_at'])}")
    if ended["state"] != "succeeded":
        if not as_json:
            out.print(f"Details: cadence show {run_id}", markup=False)
        raise typer.Exit(FAILED)
