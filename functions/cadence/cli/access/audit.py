"""The commands `audit`."""

from typing import Annotated, Any

import typer

from cadence.cli.access.audit_chain import export_records, verify_records
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import time_of
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, print_json, print_table
from cadence.domain.access.audit import AuditKind

_LARGEST_PAGE = 200

audit = typer.Typer(
    name="audit", help="The audit log: changes, sign-ins, refusals, secrets and values.", no_args_is_help=True
)


audit.command("export")(export_records)
audit.command("verify")(verify_records)


@audit.callback()
def _group() -> None:
    """The audit log: changes, sign-ins, refusals, secrets handed over, and values that were read."""


@audit.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The most entries to list.")] = 50,
    kind: Annotated[AuditKind | None, typer.Option(help="List only entries of this kind.")] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="List only entries of this member, service account, token or runner: its id or name."),
    ] = None,
    action: Annotated[str | None, typer.Option(help="List only entries of this operation, such as put_secret.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="List only entries with this outcome: accepted, or an error's code.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="List only entries whose path begins so: /v1/projects/shop/secrets/key.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="List only entries about this project; * for the whole organization.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="The oldest: 2026-03-01T12:00:00Z, or an age: 30m, 6h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The newest, as for --since.")] = None,
    as_json: Json = False,
) -> None:
    """List entries of the audit log, newest first."""
    filters = {
        "kind": kind and str(kind),
        "actor": actor,
        "action": action,
        "outcome": outcome,
        "target": target,
        "project": project,
        "since": since and time_of("--since", since),
        "until": until and time_of("--until", until),
    }
    with reporting_errors(as_json):
        page = _read(limit, filters)
    if as_json:
        print_json(page)
        return
    print_table(
        ("AT", "KIND", "BY", "ACTOR", "FROM", "ACTION", "TARGET", "OUTCOME"),
        (
            (
                date_time(one["at"]),
                one["kind"],
                one["by"],
                one["actor"],
                one["source"],
                one["action"],
                one["target"],
                one["outcome"],
            )
            for one in page["items"]
        ),
    )


def _read(limit: int, filters: dict[str, str | None]) -> dict[str, Any]:
    """Reads pages until there are enough entries. A page may be short where few entries match."""
    api, cursor = connect(), None
    items: list[dict[str, Any]] = []
    while True:
        page = api.audit(min(_LARGEST_PAGE, limit - len(items)), filters, cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None or len(items) >= limit:
            return {"items": items, "next": cursor}
