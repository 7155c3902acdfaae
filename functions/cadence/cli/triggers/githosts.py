"""The commands `githost`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import prompt_secret
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Project
from cadence.cli.shared.output import out, print_json, print_list

githost = typer.Typer(name="githost", help="Git hosts whose webhooks start runs.", no_args_is_help=True)


@githost.command("list")
def list_githosts(as_json: Json = False) -> None:
    """List git hosts."""
    with reporting_errors(as_json):
        githosts = connect().githosts()
    print_list(
        githosts,
        ("GIT HOST", "KIND", "PROJECT", "WEBHOOK"),
        lambda one: (one["name"], one["kind"], one["project"], one["webhook_path"]),
        as_json,
    )


@githost.command("create")
def create_githost(
    name: Name,
    kind: Annotated[str, typer.Option(help="github, gitlab, gitea or bitbucket")] = "github",
    ask_secret: Annotated[
        bool,
        typer.Option(
            "--secret", help="Set the webhook's secret: asked for, or read from standard input (default: generated)."
        ),
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the git host (https://git.example), for which its access token is used."),
    ] = None,
    ask_token: Annotated[
        bool,
        typer.Option(
            "--access-token",
            help="Set a token that reads private repositories: asked for, or read from standard input.",
        ),
    ] = False,
    programs: Annotated[
        bool, typer.Option("--programs", help="Run the Mélodium program in the repository's .melodium-ci on a push.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Create a git host. Prints the address for its webhooks, and the secret if one was generated."""
    webhook_secret = prompt_secret("the webhook's secret") if ask_secret else None
    access_token = prompt_secret("the access token") if ask_token else None
    with reporting_errors(as_json):
        client = connect(project)
        created = client.create_githost(kind, name, webhook_secret, url, access_token, programs)
    if as_json:
        print_json(created)
        return
    out.print(f"webhook {client.url}{created['webhook_path']}", markup=False)
    if created["webhook_secret"]:
        out.print(f"secret  {created['webhook_secret']}  (it cannot be printed again)", markup=False)
