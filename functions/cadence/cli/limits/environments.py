"""The commands `environment`."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion, name_value_pairs
from cadence.cli.shared.errors import WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, Project, Yes
from cadence.cli.shared.output import print_list, print_result

environment = typer.Typer(
    name="environment", help="Environments: variables, secrets and approvals for treatments.", no_args_is_help=True
)


@environment.command("list")
def list_environments(project: Project = None, as_json: Json = False) -> None:
    """List the environments of a project."""
    with reporting_errors(as_json):
        environments = connect(project).environments()
    print_list(
        environments,
        ("ENVIRONMENT", "VARIABLES", "SECRETS", "APPROVALS", "BRANCHES"),
        lambda one: (
            one["name"],
            " ".join(one["env"]),
            " ".join(one["secrets"]),
            one["approvals"]["required"] if one["approvals"] else 0,
            " ".join([*(["protected"] if one["protected_branches"] else []), *one["branches"]]) or "all",
        ),
        as_json,
    )


@environment.command("create")
def create_environment(
    name: Name,
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable; may be repeated.")] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="VARIABLE=SECRET", help="A variable with the value of a secret; may be repeated."),
    ] = None,
    approvals: Annotated[int, typer.Option(min=0, max=10, help="Approvals required before a treatment starts.")] = 0,
    approver: Annotated[
        list[str] | None,
        typer.Option(
            metavar="APPROVER",
            help="Who may approve (default: all): team:NAME, member:ID, an e-mail address; may be repeated.",
        ),
    ] = None,
    timeout: Annotated[int, typer.Option(metavar="SECONDS", help="How long to wait for approvals.")] = 86_400,
    not_by_starter: Annotated[
        bool, typer.Option("--not-by-starter", help="The user who started the run may not approve it.")
    ] = False,
    branch: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="A branch whose runs may use it (default: all); may be repeated."),
    ] = None,
    protected_branches: Annotated[
        bool,
        typer.Option("--protected-branches", help="Only for pushes to branches that the code host protects."),
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Create an environment, or replace it if it exists."""
    body: dict[str, Any] = {
        "env": name_value_pairs("--env", env),
        "secrets": name_value_pairs("--secret", secret, "VARIABLE=SECRET"),
        "branches": branch or [],
        "protected_branches": protected_branches,
        "approvals": None,
    }
    if approvals:
        body["approvals"] = {
            "required": approvals,
            "timeout": timeout,
            "approvers": approver or None,
            "not_by_starter": not_by_starter,
        }
    elif approver or not_by_starter:
        raise fail("--approver and --not-by-starter require --approvals.", WRONG_USE)
    with reporting_errors(as_json):
        stored = connect(project).put_environment(name, body)
    print_result(stored, f"Stored environment {name}.", as_json)


@environment.command("delete")
def delete_environment(name: Name, project: Project = None, yes: Yes = False, as_json: Json = False) -> None:
    """Delete an environment."""
    confirm_deletion(f"environment {name}", yes)
    with reporting_errors(as_json):
        connect(project).delete_environment(name)
    print_result({"deleted": name}, f"Deleted environment {name}.", as_json)
