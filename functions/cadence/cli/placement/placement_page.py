"""What `cadence show RUN TREATMENT --placement` prints."""

from collections.abc import Mapping
from typing import Any

from cadence.cli.shared.output import out, print_json


def show_placement(treatment: Mapping[str, Any], as_json: bool) -> None:
    """Prints the pools that were considered for a treatment, with the reasons."""
    considered = treatment["placement"]
    if as_json:
        print_json({name: treatment[name] for name in ("pool", "waiting_for", "placed_at", "placement")})
        return
    if treatment["waiting_for"]:
        out.print(f"waits for {treatment['waiting_for']}", markup=False)
    if not considered:
        out.print("no pool has been considered yet", markup=False)
    for one in considered:
        mark = "→" if one["pool"] == treatment["pool"] else " " if one["fits"] else "×"
        out.print(f"{mark} {one['pool']}: {one['reason'] or 'fits'}", markup=False)
