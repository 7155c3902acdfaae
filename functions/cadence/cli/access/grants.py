"""The commands `role` and `access`."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.client.session import ApiError, Unreachable
from cadence.cli.shared.arguments import confirm_deletion, seconds_of
from cadence.cli.shared.errors import FAILED, reporting_errors
from cadence.cli.shared.options import Json, Name, Yes
from cadence.cli.shared.output import err, out, print_json, print_list, print_result, print_table

role = typer.Typer(name="role", help="Roles: named sets of permissions.", no_args_is_help=True)
access = typer.Typer(name="access", help="Grants: who has which role where, and why.", no_args_is_help=True)

SUBJECT_HELP = "member:ID, the e-mail address of a member, team:NAME or service-account:NAME."
SCOPE_HELP = "organization, project:P, pipeline:P/NAME, environment:P/NAME or pool:NAME."
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help=SUBJECT_HELP)]


@role.command("list")
def list_roles(as_json: Json = False) -> None:
    """List the built-in roles and the organization's own."""
    with reporting_errors(as_json):
        roles = connect().roles()
    print_list(
        roles,
        ("ROLE", "BUILT IN", "PERMISSIONS"),
        lambda one: (one["name"], "yes" if one["built_in"] else "no", len(one["permissions"])),
        as_json,
    )


@role.command("show")
def show_role(name: Name, as_json: Json = False) -> None:
    """Show the permissions of a role."""
    with reporting_errors(as_json):
        shown = connect().role(name)
    print_json(shown) if as_json else print_table(("PERMISSION",), ((one,) for one in shown["permissions"]))


@role.command("create")
def create_role(
    name: Name,
    permission: Annotated[list[str], typer.Option(help="A permission such as runs:start; may be repeated.")],
    as_json: Json = False,
) -> None:
    """Create or change a role of the organization. Its grants change with it."""
    with reporting_errors(as_json):
        stored = connect().put_role(name, permission)
    print_result(stored, f"Stored role {name} with {len(stored['permissions'])} permissions.", as_json)


@role.command("delete")
def delete_role(name: Name, yes: Yes = False, as_json: Json = False) -> None:
    """Delete a role that is not granted."""
    confirm_deletion(f"role {name}", yes)
    with reporting_errors(as_json):
        connect().delete_role(name)
    print_result({"deleted": name}, f"Deleted role {name}.", as_json)


@access.command("list")
def list_grants(
    subject: Annotated[str | None, typer.Option(help=f"Only grants to {SUBJECT_HELP}")] = None,
    scope: Annotated[str | None, typer.Option(help=f"Only grants at {SCOPE_HELP}")] = None,
    as_json: Json = False,
) -> None:
    """List grants."""
    with reporting_errors(as_json):
        grants = connect().grants(subject, scope)
    print_list(
        grants,
        ("GRANT", "SUBJECT", "ROLE", "SCOPE"),
        lambda one: (one["grant_id"], one["subject"], one["role"], one["scope"]),
        as_json,
    )


@access.command("grant")
def create_grant(
    subject: Subject,
    role_name: Annotated[str, typer.Argument(metavar="ROLE")],
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help=SCOPE_HELP)],
    as_json: Json = False,
) -> None:
    """Grant a role at a scope."""
    with reporting_errors(as_json):
        created = connect().create_grant(subject, role_name, scope)
    _warn_of_missing_pipeline(scope)
    print_result(created, f"{subject} has the role {role_name} at {scope}.", as_json)


def _warn_of_missing_pipeline(scope: str) -> None:
    """Warns of a grant for a pipeline that is not stored (yet); it holds from the moment at which it is."""
    kind, _, thing = scope.partition(":")
    if kind != "pipeline":
        return
    project, _, pipeline = thing.partition("/")
    try:
        connect(project).pipeline(pipeline)
    except ApiError as error:
        if error.status == 404:
            warning = f"There is no stored pipeline {pipeline} in project {project} yet, or you may not see it."
            err.print(f"warning: {warning} The grant holds for any of this name.", markup=False)
    except Unreachable:
        return  # the grant is made; only the warning is missing


@access.command("revoke")
def delete_grant(
    grant_id: Annotated[str, typer.Argument(metavar="GRANT_ID")], yes: Yes = False, as_json: Json = False
) -> None:
    """Delete a grant."""
    confirm_deletion(f"grant {grant_id}", yes)
    with reporting_errors(as_json):
        connect().delete_grant(grant_id)
    print_result({"deleted": grant_id}, f"Deleted grant {grant_id}.", as_json)


@access.command("explain")
def explain(
    subject: Subject,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", help="Such as runs:start.")],
    thing: Annotated[str, typer.Argument(metavar="THING", help=SCOPE_HELP)],
    as_json: Json = False,
) -> None:
    """Explain why a subject has a permission, or why not. Exits with 1 if it has not."""
    with reporting_errors(as_json):
        explained = connect().explain_access(subject, permission, thing)
    if as_json:
        print_json(explained)
    else:
        out.print(f"{explained['decision']}: {explained['reason']}", markup=False)
        print_table(
            ("GRANT", "SUBJECT", "ROLE", "SCOPE", "HAS PERMISSION", "COVERS"),
            (
                (
                    one["grant_id"],
                    one["subject"],
                    one["role"],
                    one["scope"],
                    "yes" if one["permitted"] else "no",
                    "yes" if one["covered"] else "no",
                )
                for one in explained["grants"]
            ),
        )
    if explained["decision"] != "allowed":
        raise typer.Exit(FAILED)


@access.command("share")
def share(
    foreign_team: Annotated[str, typer.Argument(metavar="ORGANIZATION/TEAM", help="A team of another organization.")],
    role_name: Annotated[str, typer.Argument(metavar="ROLE")],
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help=SCOPE_HELP)],
    expires_in: Annotated[str, typer.Option(metavar="DURATION", help="How long it can be accepted.")] = "7d",
    as_json: Json = False,
) -> None:
    """Invite another organization's team and print the code with which it accepts (`cadence team accept`)."""
    seconds = seconds_of("--expires-in", expires_in)
    with reporting_errors(as_json):
        created = connect().invite({"team": foreign_team, "role": role_name, "scope": scope, "expires_in": seconds})
    print_json(created) if as_json else print(created["code"])
