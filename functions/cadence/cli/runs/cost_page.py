"""What `show RUN --cost` prints."""

from cadence.cli.client.client import Client
from cadence.cli.shared.output import out, print_json, print_table


def show_cost(client: Client, run_id: str, as_json: bool) -> None:
    """Prints the cost of a run by treatment. Only pools that have a price are counted."""
    cost = client.cost(run_id)
    if as_json:
        print_json(cost)
        return
    print_table(
        ("TREATMENT", "POOL", "ATTEMPTS", "SECONDS", "PER HOUR", "COST"),
        (
            (
                one["treatment"],
                one["pool"],
                one["attempts"],
                f"{one['seconds']:.1f}",
                f"{one['per_hour']:g}",
                f"{one['amount']:.6f} {one['currency']}",
            )
            for one in cost["treatments"]
        ),
    )
    for total in cost["totals"]:
        out.print(f"total {total['amount']:.6f} {total['currency']}", markup=False)
    if not cost["totals"]:
        out.print("No treatment has ended in a pool that has a price.", markup=False)
