"""The commands `secret`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cadence.cli.access.secret_source import SourceOptions, VaultOptions
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, prompt_secret
from cadence.cli.shared.completion import complete_pool, complete_project
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Name, Project, Yes
from cadence.cli.shared.output import date_time, err, print_list, print_result

_MASKED_WELL = 4  # characters
_EVERYWHERE = "*"

secret = typer.Typer(
    name="secret",
    help="Secrets of projects, teams, pools and the organization; never read back.",
    no_args_is_help=True,
)
OfOrganization = Annotated[bool, typer.Option("--organization", help="A secret of the organization.")]
OfTeam = Annotated[str | None, typer.Option("--team", metavar="TEAM", help="A secret of this team.")]
OfPool = Annotated[
    str | None,
    typer.Option(
        "--pool", metavar="POOL", help="A secret of this pool, for what runs there.", autocompletion=complete_pool
    ),
]


@secret.command("list")
def list_secrets(
    organization: Annotated[
        bool, typer.Option("--organization", help="Those of the organization, its teams and its pools instead.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List the names of secrets that a project may use, whose they are, and where they are read.

    Of several with one name, a treatment receives the project's, else that of the pool that it runs in, else a team's,
    else the organization's.
    """
    with reporting_errors(as_json):
        client = connect(project)
        secrets = client.shared_secrets() if organization else client.secrets()
    reach = "GIVEN TO" if organization else "ENVIRONMENT"
    print_list(secrets, ("SECRET", "OF", "VERSION", "UPDATED", reach, "SOURCE"), _row, as_json)


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    where = _shown(one["source"]) if one["source"] else "Cadence"
    return one["name"], one["owner"], one["version"], date_time(one["updated_at"]), _reach(one), where


def _reach(one: Mapping[str, Any]) -> str:
    """Returns the environment that a secret is bound to, or the projects that it is given to."""
    if "projects" not in one:
        return one["environment"] or "any"
    if one["projects"] == [_EVERYWHERE]:
        return "all projects"
    return ", ".join(one["projects"]) or ("what runs there" if one["owner"].startswith("pool:") else "no project")


def _owner(organization: bool, team: str | None, pool: str | None) -> tuple[str, ...] | None:
    """Returns whose secret is meant, as the client takes it. Raises BadParameter."""
    if organization + (team is not None) + (pool is not None) > 1:
        raise typer.BadParameter("--organization, --team and --pool exclude each other.")
    if team is not None:
        return "teams", team
    if pool is not None:
        return "pools", pool
    return () if organization else None


def _in_words(owner: tuple[str, ...] | None) -> str:
    if owner is None:
        return ""
    return f" of the {owner[0].removesuffix('s')} {owner[1]}" if owner else " of the organization"


def _shown(source: Mapping[str, Any]) -> str:
    member = f"#{source['field']}" if source["field"] else ""
    vault = source["vault"]
    place = f"{vault['address']} {vault['mount']}/" if vault else ""
    return f"{source['kind']}: {place}{source['name']}{member}"


@secret.command("set")
def set_secret(
    name: Name,
    environment: Annotated[
        str | None, typer.Option(help="Give it only to treatments of this environment (default: as it is now).")
    ] = None,
    any_environment: Annotated[bool, typer.Option(help="Give it to every treatment that names it.")] = False,
    organization: OfOrganization = False,
    team: OfTeam = None,
    pool: OfPool = None,
    give_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROJECT",
            help="A project that a secret of the organization or a team is given to, again for each one; * for all "
            "(default: as it is now; a new one of the organization is given to all).",
            autocompletion=complete_project,
        ),
    ] = None,
    secrets_manager: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read it from AWS Secrets Manager, each time it is needed.")
    ] = None,
    parameter_store: Annotated[
        str | None, typer.Option(metavar="NAME", help="Read it from SSM Parameter Store, each time it is needed.")
    ] = None,
    vault: Annotated[
        str | None, typer.Option(metavar="URL", help="Read it from this HashiCorp Vault, each time it is needed.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="The path in Vault, below the mount.")] = None,
    field: Annotated[str | None, typer.Option(help="A field there; Vault requires one.")] = None,
    role: Annotated[
        str | None, typer.Option(help="The role in Vault, or the role ID of an AppRole (with --secret-id).")
    ] = None,
    secret_id: Annotated[
        str | None, typer.Option(metavar="SECRET", help="The same owner's secret that is the AppRole's secret ID.")
    ] = None,
    mount: Annotated[str, typer.Option(help="Where the engine KV, version 2, is mounted in Vault.")] = "secret",
    login_mount: Annotated[
        str | None, typer.Option(help="Where the auth method is mounted in Vault (default: jwt, or approle).")
    ] = None,
    namespace: Annotated[str | None, typer.Option(help="The namespace in Vault.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Set a secret, or where it is read.

    A value is asked for, or read from standard input; it is never an argument. The value of a secret in AWS or Vault is
    not stored: a runner's claim reads it there.
    """
    if environment is not None and any_environment:
        raise typer.BadParameter("--environment and --any-environment exclude each other.")
    owner = _owner(organization, team, pool)
    if owner is not None and (environment is not None or any_environment):
        raise typer.BadParameter("Only secrets of a project are bound to environments.")
    if give_to and (owner is None or pool is not None):
        raise typer.BadParameter("--give-to requires --organization or --team.")
    reach: dict[str, Any] = {"environment": environment} if environment is not None or any_environment else {}
    if give_to:
        reach["projects"] = give_to
    elsewhere = SourceOptions(secrets_manager, parameter_store, vault)
    source = elsewhere.document(field, VaultOptions(path, role, secret_id, mount, login_mount, namespace))
    value = prompt_secret(name) if source is None else ""
    body = {"value": value} if source is None else {"source": source}
    with reporting_errors(as_json):
        stored: Mapping[str, Any] = connect(project).set_secret(name, {**body, **reach}, owner)
    if source is None and len(value) < _MASKED_WELL:
        err.print(
            f"warning: {name} has fewer than {_MASKED_WELL} characters: every such text in logs is masked, "
            "and its encoded forms are not.",
            markup=False,
        )
    bound = f", only for the environment {stored['environment']}" if stored["environment"] else ""
    given = f", given to {_reach(stored)}" if stored.get("projects") else ""
    where = f", read from {_shown(stored['source'])}" if stored["source"] else ""
    print_result(
        stored, f"Set secret {name}{_in_words(owner)}, version {stored['version']}{bound}{given}{where}.", as_json
    )


@secret.command("delete")
def delete_secret(
    name: Name,
    organization: OfOrganization = False,
    team: OfTeam = None,
    pool: OfPool = None,
    project: Project = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a secret."""
    owner = _owner(organization, team, pool)
    confirm_deletion(f"secret {name}{_in_words(owner)}", yes)
    with reporting_errors(as_json):
        connect(project).delete_secret(name, owner)
    print_result({"deleted": name}, f"Deleted secret {name}{_in_words(owner)}.", as_json)
