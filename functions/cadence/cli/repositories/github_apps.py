"""The commands `github-app`."""

import hmac
import json
import secrets
import webbrowser
from html import escape
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.loopback_redirect import LoopbackRedirect
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.errors import NOT_REACHED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Project, Yes
from cadence.cli.shared.output import err, print_list, print_result

_LONGEST_WAIT = 900.0
_LARGEST_KEY = 4_000

github_app = typer.Typer(
    name="github-app",
    help="GitHub Apps: repositories that they are installed on are connected without a token, and get checks.",
    no_args_is_help=True,
)

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="The App's name on GitHub, or its id.")]


@github_app.command("create")
def create_github_app(
    organization: Annotated[
        str | None, typer.Option(help="The organization on GitHub that owns the App (default: you).")
    ] = None,
    name: Annotated[str, typer.Option(help="Its name, unique on GitHub; the page lets you change it.")] = "Cadence",
    host: Annotated[str, typer.Option(help="The address of a GitHub Enterprise Server.")] = "https://github.com",
    public_url: Annotated[
        str | None,
        typer.Option(help="Address at which GitHub reaches the API (default: the one that this command uses)."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Register a GitHub App: opens GitHub in the browser, where you confirm it, and stores its credentials."""
    with reporting_errors(as_json):
        client = connect(project)
        state = secrets.token_urlsafe(32)
        with LoopbackRedirect(_LONGEST_WAIT) as server:
            prepared = client.prepare_github_app(
                {
                    "redirect_url": server.redirect_url,
                    "name": name,
                    "account": organization,
                    "origin": host,
                    "public_url": public_url or client.url,
                }
            )
            server.page = _page(f"{prepared['page']}?{urlencode({'state': state})}", prepared["manifest"])
            err.print(f"Confirm the App in the browser: {server.start_url}", markup=False)
            webbrowser.open(server.start_url)
            received = server.wait()
        if "code" not in received:
            raise fail("GitHub sent no answer within a quarter of an hour. Run the command again.", NOT_REACHED)
        if not hmac.compare_digest(received.get("state", ""), state):
            raise fail("The answer belongs to another registration. Run the command again.", NOT_REACHED)
        app = client.register_github_app(prepared["id"], received["code"], host, prepared["public_url"])
    sentence = (
        f"The App {app['name']} is registered. Install it on repositories: {app['installation_url']}\n"
        f"Then connect them: cadence repository connect {host}/OWNER/NAME --app {app['name']!r}"
    )
    print_result(app, sentence, as_json)


@github_app.command("list")
def list_github_apps(as_json: Json = False) -> None:
    """List GitHub Apps."""
    with reporting_errors(as_json):
        apps = connect().github_apps()
    columns = ("APP", "PROJECT", "HOST", "NUMBER", "ID")
    print_list(
        apps, columns, lambda one: (one["name"], one["project"], one["origin"], one["number"], one["id"]), as_json
    )


@github_app.command("rotate")
def rotate_github_app(
    name: AppArgument,
    private_key: Annotated[
        Path | None,
        typer.Option(help="A file with a private key that was generated on the App's page; replaces the stored one."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Renew the secret and the address of the App's webhook; with --private-key replace its private key."""
    key = _read_key(private_key) if private_key else None
    with reporting_errors(as_json):
        client = connect(project)
        app = client.rotate_github_app(find_app(client, name)["id"], key)
    what = "The webhook's secret and the private key were replaced." if key else "The webhook's secret was renewed."
    print_result(app, what, as_json)


@github_app.command("delete")
def delete_github_app(name: AppArgument, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a GitHub App that no repository is connected with. Delete it on GitHub, too."""
    confirm_deletion(f"what is stored of the GitHub App {name}", yes)
    with reporting_errors(as_json):
        client = connect(project)
        app = find_app(client, name)
        client.delete_github_app(app["id"])
    print_result({"deleted": app["id"]}, f"The App is forgotten. Delete it on GitHub, too: {app['url']}", as_json)


def find_app(client: Client, name: str) -> dict[str, Any]:
    """Returns the App that a name or an id means. Ends the command if there is none, or several."""
    apps = client.github_apps()
    found = [one for one in apps if one["id"] == name] or [
        one for one in apps if one["project"] == client.project and one["name"].casefold() == name.casefold()
    ]
    if len(found) != 1:
        many = "Several GitHub Apps are" if found else "No GitHub App is"
        raise fail(
            f"{many} named {name!r} in the project {client.project!r}. Give an id (`cadence github-app list`).",
            WRONG_USE,
        )
    result: dict[str, Any] = found[0]
    return result


def _page(address: str, manifest: dict[str, Any]) -> bytes:
    """Returns a page that sends the manifest to GitHub."""
    return (
        "<!doctype html><meta charset=utf-8><title>Cadence</title>"
        f'<form method="post" action="{escape(address)}">'
        f'<input type="hidden" name="manifest" value="{escape(json.dumps(manifest))}">'
        "<button>Register the App on GitHub</button></form><script>document.forms[0].submit()</script>"
    ).encode()


def _read_key(file: Path) -> str:
    try:
        content = file.read_bytes()[: _LARGEST_KEY + 1].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{file} cannot be read: {error}.", WRONG_USE) from None
    if len(content) > _LARGEST_KEY or "PRIVATE KEY" not in content:
        raise fail(f"{file} is no private key in PEM, as GitHub generates it on the App's page.", WRONG_USE)
    return content
