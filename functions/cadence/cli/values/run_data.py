"""The command `data`."""

from collections.abc import Mapping
from typing import Any

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import date_time, err, print_json, print_table, size


def show_data(run_id: Run, as_json: Json = False) -> None:
    """Show where every byte that a run left lies, how long it is kept, and who read it."""
    with reporting_errors(as_json):
        found = connect().run_data(run_id)
    if as_json:
        print_json(found)
        return
    print_table(
        ("KIND", "NAME", "BYTES", "POOL", "BUCKET", "REGION", "KEPT UNTIL", "ENCRYPTION", "READ BY"),
        [_row(one) for one in found["data"]],
    )
    print_table(
        ("READ", "BY", "ACTION", "TARGET", "FROM"),
        [
            (date_time(one["at"]), one["by"] or one["actor"], one["action"], one["target"], one["source"])
            for one in found["reads"]
        ],
    )
    if not found["reads"]:
        err.print("The audit log has no entry of somebody who read or downloaded a value.", markup=False)
    if not found["data_complete"]:
        err.print("A bucket has more objects of this run than were listed.", markup=False)
    if not found["reads_complete"]:
        err.print("The audit log has more entries than were read: see `cadence audit list --kind value`.", markup=False)


def _row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    left = size(one["bytes"]) if one["objects"] else "removed" if one["kind"] == "value" else "gone"
    until = "legal hold" if one["held"] else date_time(one["kept_until"])
    place = one["pool"] or "", one["bucket"], one["region"] or ""
    return one["kind"], one["name"], left, *place, until, one["encryption"] or "", " ".join(one["read_by"])
