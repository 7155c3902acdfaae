"""Commands about what a project has: pipelines, secrets, git hosts, tokens; and about runners."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.melodium.programs import beside
from cadence.cli.shared.document_file import read_document
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Project
from cadence.cli.shared.output import date_time, out, print_findings, print_json, print_table, state_text

Row = Callable[[Any], Sequence[Any]]

pipeline = typer.Typer(name="pipeline", help="Stored pipelines.", no_args_is_help=True)
secret = typer.Typer(
    name="secret", help="Secrets of a project. Their values cannot be read back.", no_args_is_help=True
)
githost = typer.Typer(name="githost", help="Git hosts, whose webhooks start runs.", no_args_is_help=True)
token = typer.Typer(name="token", help="Tokens for the API.", no_args_is_help=True)
runner = typer.Typer(name="runner", help="Runners: one for each attempt of a treatment.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@pipeline.command("put")
def put_pipeline(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A pipeline document.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Store a pipeline under the name in its document. An unchanged document stays the same version."""
    document = read_document(file)
    with told(as_json, file):
        client = connect(project)
        programs = beside(document, file)
        checked = client.validate(document, programs)
        if not checked["valid"]:
            if as_json:
                print_json(checked)
            else:
                print_findings(file, checked["findings"])
            raise typer.Exit(FAILED)
        stored = client.put_pipeline(checked["name"], document, programs)
    if as_json:
        print_json(stored)
        return
    out.print(f"{stored['name']} version {stored['version']}", markup=False)
    if stored["next_firings"]:
        out.print(f"next runs: {', '.join(date_time(moment) for moment in stored['next_firings'])}", markup=False)


@pipeline.command("list")
def list_pipelines(project: Project = None, as_json: Json = False) -> None:
    """List the pipelines of a project."""
    _list(
        lambda client: client.pipelines(),
        ("PIPELINE", "VERSION", "CREATED", "BY", "NEXT SCHEDULED RUN"),
        lambda one: (
            one["name"],
            one["version"],
            date_time(one["created_at"]),
            one["created_by"],
            date_time(next(iter(one["next_firings"]), None)),
        ),
        as_json,
        project,
    )


@pipeline.command("show")
def show_pipeline(
    name: Name,
    version: Annotated[int | None, typer.Option(help="A version; the newest by default.", show_default=False)] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Print a pipeline's document."""
    with told(as_json):
        found = connect(project).pipeline(name, version)
    print_json(found) if as_json else print(found["document"], end="")


@secret.command("set")
def set_secret(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Set a secret. Its value is asked for, or read from standard input; it is never an argument."""
    value = secret_value(name)
    with told(as_json):
        stored = connect(project).set_secret(name, value)
    print_json(stored) if as_json else out.print(f"{name} version {stored['version']}", markup=False)


@secret.command("list")
def list_secrets(project: Project = None, as_json: Json = False) -> None:
    """List the names of a project's secrets."""
    _list(
        lambda client: client.secrets(),
        ("SECRET", "VERSION", "UPDATED"),
        lambda one: (one["name"], one["version"], date_time(one["updated_at"])),
        as_json,
        project,
    )


@secret.command("delete")
def delete_secret(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Delete a secret."""
    with told(as_json):
        connect(project).delete_secret(name)
    print_json({"deleted": name}) if as_json else out.print(f"{name} is deleted", markup=False)


@githost.command("add")
def add_githost(
    name: Name,
    kind: Annotated[str, typer.Option(help="github, gitlab, gitea or bitbucket")] = "github",
    ask_secret: Annotated[
        bool, typer.Option("--secret", help="Give the webhook's secret yourself: asked for, or from standard input.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Where its repositories are (https://git.example), for its access token.")
    ] = None,
    ask_token: Annotated[
        bool,
        typer.Option(
            "--access-token", help="Give a token that reads private repositories: asked for, or from standard input."
        ),
    ] = False,
    programs: Annotated[
        bool, typer.Option("--programs", help="A push runs the Mélodium program in the repository's .melodium-ci.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Make a git host known. Prints where it has to send its webhooks, and the secret that was made up."""
    given = secret_value("the webhook's secret") if ask_secret else None
    token = secret_value("the access token") if ask_token else None
    with told(as_json):
        client = connect(project)
        added = client.create_githost(kind, name, given, url, token, programs)
    if as_json:
        print_json(added)
        return
    out.print(f"webhook {client.url}{added['webhook_path']}", markup=False)
    if added["webhook_secret"]:
        out.print(f"secret  {added['webhook_secret']}  (it cannot be read again)", markup=False)


@githost.command("list")
def list_githosts(as_json: Json = False) -> None:
    """List git hosts."""
    _list(
        lambda client: client.githosts(),
        ("GIT HOST", "KIND", "PROJECT", "WEBHOOK"),
        lambda one: (one["name"], one["kind"], one["project"], one["webhook_path"]),
        as_json,
    )


@token.command("create")
def create_token(
    name: Name,
    permission: Annotated[list[str], typer.Option(help="Such as runs:start, or * for all; may be repeated.")],
    project: Annotated[str, typer.Option("--project", "-p", help="One project, or * for all.")] = "*",
    expires_in: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="Without it, it does not expire.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Create a token and print it, this once."""
    with told(as_json):
        created = connect().create_token(name, permission, project, expires_in)
    print_json(created) if as_json else print(created["token"])


@token.command("list")
def list_tokens(as_json: Json = False) -> None:
    """List tokens, without their secrets."""
    _list(
        lambda client: client.tokens(),
        ("TOKEN", "NAME", "PROJECT", "PERMISSIONS", "EXPIRES"),
        lambda one: (
            one["token_id"],
            one["name"],
            one["project"],
            " ".join(one["permissions"]),
            date_time(one["expires_at"]),
        ),
        as_json,
    )


@token.command("revoke")
def revoke_token(token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID")], as_json: Json = False) -> None:
    """Revoke a token, from now on."""
    with told(as_json):
        connect().delete_token(token_id)
    print_json({"revoked": token_id}) if as_json else out.print(f"{token_id} is revoked", markup=False)


@runner.command("list")
def list_runners(
    run: Annotated[str | None, typer.Option(help="All runners of this run.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """List what runs now, why, since when and at what cost so far; or all runners of a run."""
    _list(
        lambda client: client.runners(run),
        ("RUNNER", "FOR", "ATTEMPT", "STATE", "WHERE", "SINCE", "COST"),
        _runner_row,
        as_json,
    )


def _runner_row(one: Any) -> Sequence[Any]:
    booting = one["state"] == "booting" and one["phase"]
    where = [one["pool"], one["host_id"] or one["offer"]]
    return (
        one["runner_id"],
        f"{one['run_id']} {one['treatment']}",
        one["attempt"],
        one["phase"] if booting else state_text(one["state"]),
        ", ".join(part for part in where if part),
        date_time(one["since"]),
        "" if one["cost"] is None else f"{one['cost']:.4f} {one['currency']}",
    )


@runner.command("hold")
def hold_runner(
    runner_id: Annotated[str, typer.Argument(metavar="RUNNER")],
    minutes: Annotated[int, typer.Option(min=1, max=60)] = 60,
    as_json: Json = False,
) -> None:
    """Keep a runner's machine if its treatment fails. It goes on costing: `pool show` says how much."""
    with told(as_json):
        held = connect().hold_runner(runner_id, minutes)
    print_json(held) if as_json else out.print(
        f"{runner_id} is kept until {date_time(held['held_until'])}", markup=False
    )


@runner.command("release")
def release_runner(runner_id: Annotated[str, typer.Argument(metavar="RUNNER")], as_json: Json = False) -> None:
    """End a hold, and the machine if its treatment has ended."""
    with told(as_json):
        held = connect().release_runner(runner_id)
    print_json(held) if as_json else out.print(f"{runner_id} is kept no longer", markup=False)


def _list(
    read: Callable[[Client], Any], columns: Sequence[str], row: Row, as_json: bool, project: str | None = None
) -> None:
    with told(as_json):
        found = read(connect(project))
    print_json(found) if as_json else print_table(columns, map(row, found))


def secret_value(what: str) -> str:
    """Asked for, or from standard input; without the line end that editors and `echo` add."""
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {what}", hide_input=True)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise fail("The value is empty.", WRONG_USE)
    return value
