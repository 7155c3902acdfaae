"""Follows a run until it has ended: its treatments' states and its log lines, as they come."""

from collections.abc import Mapping
from typing import Any

from rich.live import Live
from rich.table import Table

from cadence.cli.client.client import Client
from cadence.cli.client.runs import is_final
from cadence.cli.shared.output import duration, make_table, out, print_line, state_text

_WAIT = 1.0  # seconds that one request for lines waits for the first of them


def watch(client: Client, run_id: str) -> Mapping[str, Any]:
    """Returns the run as it ended. Ctrl-C stops watching, not the run."""
    return _watch_live(client, run_id) if out.is_terminal else _watch_plain(client, run_id)


def _watch_live(client: Client, run_id: str) -> Mapping[str, Any]:
    with Live(console=out, refresh_per_second=4, transient=True) as live:
        run = _follow(client, run_id, lambda run: live.update(progress(run)))
    out.print(progress(run))
    return run


def _watch_plain(client: Client, run_id: str) -> Mapping[str, Any]:
    told: dict[str, str] = {}

    def tell(run: Mapping[str, Any]) -> None:
        for treatment in run["treatments"]:
            if told.get(treatment["name"]) != treatment["state"]:
                told[treatment["name"]] = treatment["state"]
                cause = f" ({treatment['cause']})" if treatment["cause"] else ""
                print(f"{treatment['name']}: {treatment['state'].replace('_', ' ')}{cause}", flush=True)

    return _follow(client, run_id, tell)


def _follow(client: Client, run_id: str, show: Any) -> Mapping[str, Any]:
    after = None
    while True:
        run: Mapping[str, Any] = client.run(run_id)
        ended = is_final(run["state"])
        show(run)
        width = max((len(treatment["name"]) for treatment in run["treatments"]), default=0)
        while True:
            page = client.logs(run_id, after, wait=0 if ended else _WAIT)
            for line in page["lines"]:
                print_line(line, out, width)
            after = page["after"]
            if not page["more"]:
                break
        if ended:
            return run


def progress(run: Mapping[str, Any]) -> Table:
    """The treatments of a run, as a table."""
    return make_table(
        ("TREATMENT", "STATE", "TIME", "CAUSE"),
        (
            (
                treatment["name"],
                state_text(treatment["state"]),
                duration(treatment["started_at"], treatment["finished_at"]),
                treatment["cause"] or (f"waits for {treatment['waiting_for']}" if treatment["waiting_for"] else ""),
            )
            for treatment in run["treatments"]
        ),
    )
