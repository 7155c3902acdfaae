"""The commands `repository`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.repositories.github_apps import find_app
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

repository = typer.Typer(
    name="repository",
    help="Repositories whose pushes and pull requests start the pipelines in their folder .cadence.",
    no_args_is_help=True,
)

RepositoryArgument = Annotated[
    str, typer.Argument(metavar="REPOSITORY", help="The repository's name (acme/site), address or id.")
]


@repository.command("connect")
def connect_repository(
    url: Annotated[str, typer.Argument(metavar="URL", help="The repository's address, as in a browser.")],
    kind: Annotated[
        str | None,
        typer.Option(help="github, gitlab, gitea or bitbucket (default: known for the public code hosts)."),
    ] = None,
    app: Annotated[
        str | None, typer.Option(help="A GitHub App of the project that is installed on the repository, not a token.")
    ] = None,
    forks: Annotated[
        str,
        typer.Option(
            help="What pull requests from forks start: base (the pipelines of the branch they are for), approval (the "
            "same, after /cadence approve), first-time (that for authors who have not contributed before) or nothing."
        ),
    ] = "base",
    public_url: Annotated[
        str | None,
        typer.Option(help="Address at which the code host reaches the API (default: the one that this command uses)."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Connect a repository. Without --app asks for an access token, or reads it from standard input."""
    if not url.startswith(("https://", "http://")):  # code hosts on a machine of one's own may have http
        raise fail(f"{url} is no address of a code host: write it as in a browser, https://HOST/acme/site.", WRONG_USE)
    token = None if app else prompt_secret("the access token")
    with reporting_errors(as_json):
        client = connect(project)
        app_id = find_app(client, app)["id"] if app else None
        connected = client.connect_repository(url, token, kind, forks, public_url or client.url, app_id)
    sentence = (
        f"{connected['name']} is connected to the project {connected['project']}. Pushes start what is in .cadence."
    )
    print_result(connected, sentence, as_json)


@repository.command("list")
def list_repositories(as_json: Json = False) -> None:
    """List connected repositories."""
    with reporting_errors(as_json):
        repositories = connect().repositories()
    columns = ("REPOSITORY", "KIND", "PROJECT", "DEFAULT BRANCH", "ID")
    print_list(
        repositories,
        columns,
        lambda one: (one["name"], one["kind"], one["project"], one["default_branch"], one["id"]),
        as_json,
    )


@repository.command("show")
def show_repository(name: RepositoryArgument, project: Project = None, as_json: Json = False) -> None:
    """Show a connected repository."""
    with reporting_errors(as_json):
        found = _found(connect(project), name)
    if as_json:
        print_json(found)
        return
    out.print(f"{found['name']}  {found['url']}", markup=False)
    for label, value in (
        ("id", found["id"]),
        ("kind", found["kind"]),
        ("project", found["project"]),
        ("default branch", found["default_branch"]),
        ("forks", found["forks"]),
        ("webhook", _webhook(found)),
        ("connected", f"{date_time(found['created_at'])} by {found['created_by']}"),
    ):
        out.print(f"  {label:<16}{value}", markup=False)


@repository.command("rotate")
def rotate_repository(
    name: RepositoryArgument,
    ask_token: Annotated[
        bool, typer.Option("--token", help="Replace the access token: asked for, or read from standard input.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Renew the webhook's secret, and create a missing webhook; with --token replace the access token."""
    token = prompt_secret("the access token") if ask_token else None
    with reporting_errors(as_json):
        client = connect(project)
        rotated = client.rotate_repository(_found(client, name)["id"], token)
    what = "The webhook's secret and the token were replaced." if token else "The webhook's secret was renewed."
    print_result(rotated, what, as_json)


@repository.command("disconnect")
def disconnect_repository(
    name: RepositoryArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Disconnect also if the code host refuses to remove the webhook.")
    ] = False,
    project: Project = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Disconnect a repository: remove its webhook and its credentials. Its runs stay."""
    confirm_deletion(f"the connection of repository {name}, with its webhook and credentials", yes)
    with reporting_errors(as_json):
        client = connect(project)
        found = _found(client, name)
        result = client.disconnect_repository(found["id"], force)
    remains = result["webhook_remains"]
    sentence = f"{found['name']} is disconnected."
    if remains:
        sentence += f" Remove its webhook on the code host, which refused: {remains}"
    print_result(result, sentence, as_json)


@repository.command("doctor")
def examine_repository(name: RepositoryArgument, project: Project = None, as_json: Json = False) -> None:
    """Check address, token, rights, webhook, deliveries and reports. Exits with 1 if something is wrong."""
    with reporting_errors(as_json):
        client = connect(project)
        result = client.repository_checks(_found(client, name)["id"])
    if as_json:
        print_json(result)
    else:
        for check in result["checks"]:
            out.print(f"{'ok   ' if check['ok'] else 'fault'}  {check['name']:<12}{check['message']}", markup=False)
    if not result["ok"]:
        raise typer.Exit(FAILED)


@repository.command("deliveries")
def list_deliveries(
    name: RepositoryArgument,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List webhooks, each with the runs that it started or why it started none."""
    with reporting_errors(as_json):
        client = connect(project)
        deliveries = client.repository_deliveries(_found(client, name)["id"], limit)
    print_list(deliveries, ("RECEIVED", "EVENT", "REF", "COMMIT", "RUNS", "OUTCOME"), _delivery_row, as_json)


def _webhook(found: dict[str, Any]) -> str:
    if found["app"] is not None:
        return f"{found['webhook_url']} (of a GitHub App)"
    return found["webhook_url"] if found["webhook_id"] else "missing; `cadence repository rotate` creates it"


def _delivery_row(delivery: dict[str, Any]) -> tuple[Any, ...]:
    return (
        date_time(delivery["received_at"]),
        delivery["event"],
        delivery["ref"],
        delivery["commit"][:12],
        " ".join(delivery["runs"]),
        delivery["outcome"],
    )


def _found(client: Client, name: str) -> dict[str, Any]:
    """Returns the repository that a name, an address or an id means. Ends the command if there is none, or several."""
    repositories = client.repositories()
    by_id = [one for one in repositories if one["id"] == name]
    wanted = name.removesuffix("/").removesuffix(".git").casefold()
    found = by_id or [
        one
        for one in repositories
        if one["project"] == client.project and wanted in (one["name"].casefold(), one["url"].casefold())
    ]
    if len(found) != 1:
        many = "Several repositories are" if found else "No repository is"
        raise fail(
            f"{many} named {name!r} in the project {client.project!r}. Give an id (`cadence repository list`).",
            WRONG_USE if found else FAILED,
        )
    result: dict[str, Any] = found[0]
    return result
