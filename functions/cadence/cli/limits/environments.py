"""Commands about what runs and treatments wait for: environments, approvals, quotas."""

from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import WRONG_USE, fail, told
from cadence.cli.shared.options import Json, Project, Run
from cadence.cli.shared.output import out, print_json, print_table

environment = typer.Typer(
    name="environment", help="Environments: variables, secrets and approvals for treatments.", no_args_is_help=True
)
quota = typer.Typer(name="quota", help="What the organization may use at a time.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
Treatment = Annotated[str, typer.Argument(metavar="TREATMENT", help="One of its treatments.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Kept with the decision.")]


@environment.command("set")
def set_environment(
    name: Name,
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable; may be repeated.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(metavar="VARIABLE=SECRET", help="A secret by its name; may be repeated.")
    ] = None,
    approvals: Annotated[int, typer.Option(min=0, max=10, help="How many have to approve before a start.")] = 0,
    approver: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN_NAME", help="Only these may approve; may be repeated.")
    ] = None,
    timeout: Annotated[int, typer.Option(metavar="SECONDS", help="How long an approval is waited for.")] = 86_400,
    not_by_starter: Annotated[
        bool, typer.Option("--not-by-starter", help="Whoever started the run may not approve it.")
    ] = False,
    branch: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Only runs of these branches; may be repeated.")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Create or replace an environment."""
    body: dict[str, Any] = {
        "env": _pairs("--env", env),
        "secrets": _pairs("--secret", secret),
        "branches": branch or [],
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
        raise fail("--approver and --not-by-starter say nothing without --approvals.", WRONG_USE)
    with told(as_json):
        stored = connect(project).put_environment(name, body)
    print_json(stored) if as_json else out.print(f"environment {name} is set", markup=False)


@environment.command("list")
def list_environments(project: Project = None, as_json: Json = False) -> None:
    """List the environments of a project."""
    with told(as_json):
        found = connect(project).environments()
    if as_json:
        print_json(found)
        return
    print_table(
        ("ENVIRONMENT", "VARIABLES", "SECRETS", "APPROVALS", "BRANCHES"),
        (
            (
                one["name"],
                " ".join(one["env"]),
                " ".join(one["secrets"]),
                one["approvals"]["required"] if one["approvals"] else 0,
                " ".join(one["branches"]) or "all",
            )
            for one in found
        ),
    )


@environment.command("delete")
def delete_environment(name: Name, project: Project = None, as_json: Json = False) -> None:
    """Delete an environment."""
    with told(as_json):
        connect(project).delete_environment(name)
    print_json({"deleted": name}) if as_json else out.print(f"{name} is deleted", markup=False)


def approve(run_id: Run, treatment: Treatment, comment: Comment = "", as_json: Json = False) -> None:
    """Approve a treatment that waits for it."""
    _decide(run_id, treatment, "approve", comment, as_json)


def refuse(run_id: Run, treatment: Treatment, comment: Comment = "", as_json: Json = False) -> None:
    """Refuse a treatment that waits for an approval: it fails."""
    _decide(run_id, treatment, "refuse", comment, as_json)


def approval_link(run_id: Run, treatment: Treatment, as_json: Json = False) -> None:
    """Print a link by which whoever opens it decides once, in your name."""
    with told(as_json):
        client = connect()
        made = client.approval_link(run_id, treatment)
    print_json(made) if as_json else print(client.url + made["path"])


@quota.command("show")
def show_quotas(as_json: Json = False) -> None:
    """Show the quotas of the organization."""
    with told(as_json):
        found = connect().quotas()
    _print_quotas(found, as_json)


@quota.command("set")
def set_quotas(
    running_runs: Annotated[int, typer.Option(min=1, help="Runs at a time; the others wait.")] = 500,
    runners: Annotated[
        int | None, typer.Option(min=1, help="Runners at a time, over all pools; no limit without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Set the quotas of the organization."""
    with told(as_json):
        stored = connect().put_quotas({"max_running_runs": running_runs, "max_runners": runners})
    _print_quotas(stored, as_json)


def _print_quotas(quotas: Any, as_json: bool) -> None:
    if as_json:
        print_json(quotas)
    else:
        rows = (("running runs", quotas["max_running_runs"]), ("runners", quotas["max_runners"] or "no limit"))
        print_table(("QUOTA", "AT MOST"), rows)


def _decide(run_id: str, treatment: str, decision: str, comment: str, as_json: bool) -> None:
    with told(as_json):
        made = connect().decide(run_id, treatment, decision, comment)
    word = "approved" if decision == "approve" else "refused"
    print_json(made) if as_json else out.print(f"{treatment} is {word} by {made['by']}", markup=False)


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise fail(f"{option} wants NAME=VALUE, not {one!r}.", WRONG_USE)
        pairs[name] = value
    return pairs
