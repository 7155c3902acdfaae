"""The commands `runner`."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import cost_text, date_time, print_list, print_result, state_text

runner = typer.Typer(name="runner", help="Runners: one for each attempt of a treatment.", no_args_is_help=True)

RunnerId = Annotated[str, typer.Argument(metavar="RUNNER", help="The id of a runner.")]


@runner.command("list")
def list_runners(
    run: Annotated[
        str | None, typer.Option(help="List all runners of this run, ended ones too.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List active runners with their treatment, start and cost so far."""
    with reporting_errors(as_json):
        runners = connect().runners(run)
    print_list(runners, ("RUNNER", "FOR", "ATTEMPT", "STATE", "WHERE", "SINCE", "COST"), _row, as_json)


@runner.command("hold")
def hold_runner(
    runner_id: RunnerId,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="How long to keep the machine.")] = 60,
    as_json: Json = False,
) -> None:
    """Keep a runner's machine if its treatment fails. The machine keeps costing; `pool show` prints the cost."""
    with reporting_errors(as_json):
        held = connect().hold_runner(runner_id, minutes)
    print_result(held, f"Runner {runner_id} is held until {date_time(held['held_until'])}.", as_json)


@runner.command("release")
def release_runner(runner_id: RunnerId, as_json: Json = False) -> None:
    """End the hold of a runner. Its machine is stopped if its treatment has ended."""
    with reporting_errors(as_json):
        released = connect().release_runner(runner_id)
    print_result(released, f"Runner {runner_id} is released.", as_json)


def _row(one: Any) -> Sequence[Any]:
    booting = one["state"] == "booting" and one["phase"]
    where = [one["pool"], one["host_id"] or one["offer"]]
    return (
        one["runner_id"],
        f"{one['run_id']} {one['treatment']}",
        one["attempt"],
        one["phase"] if booting else state_text(one["state"]),
        ", ".join(part for part in where if part),
        date_time(one["since"]),
        cost_text(one["cost"], one["currency"]),
    )
