"""The commands `githost`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Project, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

githost = typer.Typer(
    name="githost", help="Git hosts and other senders whose webhooks start runs.", no_args_is_help=True
)


@githost.command("list")
def list_githosts(as_json: Json = False) -> None:
    """List git hosts."""
    with reporting_errors(as_json):
        githosts = connect().githosts()
    print_list(
        githosts,
        ("GIT HOST", "KIND", "PROJECT", "ID", "WEBHOOK"),
        lambda one: (one["name"], one["kind"], one["project"], one["id"], one["webhook_path"]),
        as_json,
    )


@githost.command("create")
def create_githost(
    name: Name,
    kind: Annotated[str, typer.Option(help="github, gitlab, gitea, bitbucket or generic")] = "github",
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


@githost.command("set")
def set_githost(
    name: Name,
    webhook_secret: Annotated[
        bool, typer.Option("--secret", help="Replace the webhook's secret: asked for, or read from standard input.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Replace the webhook's secret by a generated one, and print it.")
    ] = False,
    access_token: Annotated[
        bool, typer.Option("--access-token", help="Replace the access token: asked for, or read from standard input.")
    ] = False,
    no_access_token: Annotated[bool, typer.Option("--no-access-token", help="Remove the access token.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Replace a secret of a git host, given by its name or id. The former one is refused from then on."""
    if [webhook_secret, new_secret, access_token, no_access_token].count(True) != 1:
        raise typer.BadParameter("Give one of --secret, --new-secret, --access-token and --no-access-token.")
    given = prompt_secret("the new secret") if webhook_secret or access_token else None
    with reporting_errors(as_json):
        client = connect(project)
        githost_id = _id_of(client, name)
        if webhook_secret or new_secret:
            changed = client.rotate_webhook_secret(githost_id, given)
        else:
            changed = client.rotate_access_token(githost_id, given)
    if as_json:
        print_json(changed)
    elif changed.get("webhook_secret"):
        out.print(f"secret  {changed['webhook_secret']}  (it cannot be printed again)", markup=False)
    else:
        out.print(f"Changed git host {name}.", markup=False)


@githost.command("deliveries")
def list_event_deliveries(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List webhooks of a sender of the kind generic, each with its runs or why it started none."""
    with reporting_errors(as_json):
        client = connect(project)
        githost = _named(client, name)
        if githost["kind"] != "generic":
            raise fail(
                f"{name} is of the kind {githost['kind']}, whose deliveries are listed by the git host itself, with "
                "their answers: see the settings of its webhook. Runs that it started: cadence runs",
                FAILED,
            )
        deliveries = client.event_deliveries(githost["id"], limit)
    print_list(
        deliveries,
        ("RECEIVED", "ID", "EVENT", "RUNS", "OUTCOME"),
        lambda one: (date_time(one["received_at"]), one["id"], one["event"], " ".join(one["runs"]), one["outcome"]),
        as_json,
    )


@githost.command("delete")
def delete_githost(name: Name, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a git host, given by its name or id. Its webhooks are refused from then on."""
    confirm_deletion(f"git host {name}", yes)
    with reporting_errors(as_json):
        client = connect(project)
        client.delete_githost(_id_of(client, name))
    print_result({"deleted": name}, f"Deleted git host {name}.", as_json)


def _id_of(client: Client, name: str) -> str:
    """Returns the id of the only git host with that name or id in the project."""
    return str(_named(client, name)["id"])


def _named(client: Client, name: str) -> Mapping[str, Any]:
    """Returns the only git host with that name or id in the project."""
    found: list[Mapping[str, Any]] = [
        one for one in client.githosts() if one["project"] == client.project and name in (one["name"], one["id"])
    ]
    if len(found) > 1:
        raise fail(
            f"Project {client.project} has {len(found)} git hosts named {name}. Give an id: "
            f"{', '.join(one['id'] for one in found)}.",
            WRONG_USE,
        )
    if not found:
        raise fail(f"Project {client.project} has no git host {name}. See: cadence githost list.", FAILED)
    return found[0]
