"""The commands `login` and `context`, and `identity-provider`."""

import os
import webbrowser
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.client.contexts import (
    ConnectionContext,
    StoredContexts,
    contexts_file,
    read_contexts,
    write_contexts,
)
from cadence.cli.client.provider_sign_in import ProviderSignIn, SignInFailed
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.errors import NOT_REACHED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import err, out, print_list, print_result

context = typer.Typer(name="context", help="Installations that you signed in to.", no_args_is_help=True)
identity_provider = typer.Typer(
    name="identity-provider", help="OpenID Connect providers with which members sign in.", no_args_is_help=True
)


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="The address of the installation.")],
    organization: Annotated[str, typer.Option("--organization", "-o")] = "default",
    provider: Annotated[
        str | None, typer.Option(help="The identity provider or directory, if there are several.")
    ] = None,
    device: Annotated[bool, typer.Option("--device", help="Sign in on another device, with a code.")] = False,
    user: Annotated[str | None, typer.Option(help="Your name in the directory; the password is asked for.")] = None,
    name: Annotated[str | None, typer.Option(help="The name of the context (default: the organization).")] = None,
    as_json: Json = False,
) -> None:
    """Sign in through the organization's identity provider. Later commands use this context."""
    client = Client(url, "")
    with reporting_errors(as_json):
        offered = client.sign_in_ways(organization)
        ways = {way["name"]: way for way in offered["items"]} | dict.fromkeys(offered["directories"])
        if not ways:
            raise fail(f"{organization} has no identity provider. Use a token, or an invitation.", NOT_REACHED)
        if provider is None and len(ways) > 1:
            raise fail(f"Choose one with --provider: {', '.join(ways)}.", WRONG_USE)
        chosen = provider or next(iter(ways))
        if chosen not in ways:
            raise fail(f"There is no identity provider {provider}. There are: {', '.join(ways)}.", WRONG_USE)
        way = ways[chosen]
        if way is None:
            user = user or str(typer.prompt("Name", err=True))
            password = prompt_secret(f"the password of {user}")
            signed_in = client.directory_sign_in(organization, chosen, user, password)
        else:
            signed_in = _with_provider(client, organization, way, device)
    file = contexts_file(os.environ)
    made = ConnectionContext(name or organization, url, organization, signed_in["token"])
    stored = read_contexts(file)
    write_contexts(file, StoredContexts({**stored.contexts, made.name: made}, made.name))
    shown = {"context": made.name, "member_id": signed_in["member_id"], "expires_in": signed_in["expires_in"]}
    print_result(shown, f"Signed in as {signed_in['name']}. The context {made.name} is in use.", as_json)


@context.command("list")
def list_contexts(as_json: Json = False) -> None:
    """List the installations that you signed in to."""
    stored = read_contexts(contexts_file(os.environ))
    items = [
        {"name": one.name, "url": one.url, "organization": one.organization, "used": one.name == stored.used}
        for one in stored.contexts.values()
    ]
    print_list(
        items,
        ("CONTEXT", "ADDRESS", "ORGANIZATION", "USED"),
        lambda one: (one["name"], one["url"], one["organization"], "*" if one["used"] else ""),
        as_json,
    )


@context.command("use")
def use_context(name: Name, as_json: Json = False) -> None:
    """Have later commands use another context."""
    file = contexts_file(os.environ)
    stored = read_contexts(file)
    _require_context(stored, name)
    write_contexts(file, replace(stored, used=name))
    print_result({"used": name}, f"The context {name} is in use.", as_json)


def _require_context(stored: StoredContexts, name: str) -> None:
    if name not in stored.contexts:
        raise fail(f"There is no context {name}. There are: {', '.join(stored.contexts) or 'none'}.")


@context.command("delete")
def delete_context(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Forget a context and its token."""
    file = contexts_file(os.environ)
    stored = read_contexts(file)
    _require_context(stored, name)
    confirm_deletion(f"context {name} and its token", yes)
    kept = {key: one for key, one in stored.contexts.items() if key != name}
    write_contexts(file, StoredContexts(kept, None if stored.used == name else stored.used))
    print_result({"deleted": name}, f"Deleted context {name}.", as_json)


@identity_provider.command("list")
def list_identity_providers(as_json: Json = False) -> None:
    """List identity providers."""
    with reporting_errors(as_json):
        providers = connect().identity_providers()
    print_list(
        providers,
        ("PROVIDER", "ISSUER", "CLIENT", "OPEN TO ALL"),
        lambda one: (one["name"], one["issuer"], one["client_id"], "yes" if one["open_to_all"] else "no"),
        as_json,
    )


@identity_provider.command("create")
def create_identity_provider(
    name: Name,
    issuer: Annotated[str, typer.Option(help="The provider's address, as its tokens name it.")],
    client_id: Annotated[str, typer.Option(help="The id of a public client there, for this organization.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope to ask for; may be repeated.")] = None,
    groups_claim: Annotated[str, typer.Option(help="The claim that lists a person's groups.")] = "groups",
    open_to_all: Annotated[
        bool, typer.Option("--open-to-all", help="Everyone who can sign in there becomes a member.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create or replace an identity provider."""
    body = {
        "issuer": issuer.rstrip("/"),
        "client_id": client_id,
        "scopes": scope or ["openid", "email", "profile"],
        "groups_claim": groups_claim,
        "open_to_all": open_to_all,
    }
    with reporting_errors(as_json):
        stored = connect().put_identity_provider(name, body)
    print_result(stored, f"Stored identity provider {name}.", as_json)


@identity_provider.command("delete")
def delete_identity_provider(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an identity provider. Members stay."""
    confirm_deletion(f"identity provider {name}", yes)
    with reporting_errors(as_json):
        connect().delete_identity_provider(name)
    print_result({"deleted": name}, f"Deleted identity provider {name}.", as_json)


def _with_provider(client: Client, organization: str, way: Mapping[str, Any], device: bool) -> Mapping[str, Any]:
    at = ProviderSignIn(issuer=way["issuer"], client_id=way["client_id"], scopes=tuple(way["scopes"]))
    try:
        answer = at.with_device(_show_code) if device else at.with_browser(_open_page)
    except SignInFailed as error:
        raise fail(str(error), NOT_REACHED) from None
    signed_in: Mapping[str, Any] = client.sign_in(organization, way["name"], answer.id_token, answer.nonce)
    return signed_in


def _show_code(address: str, code: str) -> None:
    err.print(f"Open {address} and enter the code {code}.", markup=False)


def _open_page(address: str) -> None:
    err.print(f"Opening {address}", markup=False)
    if not webbrowser.open(address):
        out.print("No browser could be opened. Open the address yourself, or use --device.", markup=False)
