"""The commands that decide about treatments that wait for an approval."""

from typing import Annotated

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, OnlyProject, Run, Treatment
from cadence.cli.shared.output import date_time, print_json, print_list, print_result

Comment = Annotated[str, typer.Option("--comment", "-m", help="A comment that is stored with the decision.")]

approval_link = typer.Typer(
    name="approval-link", help="Links that approve or refuse a treatment.", no_args_is_help=True
)


approval = typer.Typer(name="approval", help="Treatments that wait for an approval.", no_args_is_help=True)


@approval.callback()
def _waiting() -> None:
    """Treatments that wait for an approval."""


@approval.command("list")
def list_approvals(project: OnlyProject = None, as_json: Json = False) -> None:
    """List treatments that wait for an approval, what expires first in front."""
    with reporting_errors(as_json):
        found = connect().approvals(project)
    print_list(
        found,
        ("RUN", "TREATMENT", "ENVIRONMENT", "APPROVALS", "UNTIL", "YOU"),
        lambda one: (
            one["run_id"],
            one["treatment"],
            one["environment"],
            f"{len(one['decisions'])} of {one['required']}",
            date_time(one["expires_at"]),
            one["obstacle"] or "may decide",
        ),
        as_json,
    )


@approval_link.callback()
def _group() -> None:
    """Links that approve or refuse a treatment."""


def approve(run_id: Run, treatment: Treatment, comment: Comment = "", as_json: Json = False) -> None:
    """Approve a treatment that waits for an approval."""
    _decide(run_id, treatment, "approve", comment, as_json)


def refuse(run_id: Run, treatment: Treatment, comment: Comment = "", as_json: Json = False) -> None:
    """Refuse a treatment that waits for an approval. The treatment fails."""
    _decide(run_id, treatment, "refuse", comment, as_json)


@approval_link.command("create")
def create_approval_link(run_id: Run, treatment: Treatment, as_json: Json = False) -> None:
    """Print a link with which one decision can be made in your name. It works once, for anybody who has it."""
    with reporting_errors(as_json):
        client = connect()
        link = client.approval_link(run_id, treatment)
    print_json(link) if as_json else print(client.url + link["path"])


def _decide(run_id: str, treatment: str, decision: str, comment: str, as_json: bool) -> None:
    with reporting_errors(as_json):
        decided = connect().decide(run_id, treatment, decision, comment)
    verb = "approved" if decision == "approve" else "refused"
    print_result(decided, f"Treatment {treatment} is {verb} by {decided['by']}.", as_json)
