"""Follows a run until it ends: the states of its treatments and its log lines."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.runs import is_final
from cadence.cli.client.session import ApiError
from cadence.cli.insight.approval_lines import approval_command, waiting_words
from cadence.cli.shared.output import duration, err, make_table, out, print_line, treatment_state
from cadence.cli.shared.started_runs import StartedRuns
from cadence.cli.shared.terminal import harmless

_WAIT = 1.0  # seconds that one request for lines waits for the first of them

RunJson = Mapping[str, Any]


def follow_run(client: Client, run_id: str) -> RunJson:
    """Prints progress and log lines until the run ends; returns it then. Ctrl-C stops following, not the run."""
    return _follow_on_terminal(client, run_id) if out.is_terminal else _follow_plainly(client, run_id)


def _follow_on_terminal(client: Client, run_id: str) -> RunJson:
    with Live(console=out, refresh_per_second=4, transient=True) as live:
        run = _follow(client, run_id, lambda run: live.update(_progress(run, run_id)))
    out.print(treatment_table(run, run_id))
    return run


def _progress(run: RunJson, run_id: str) -> Group:
    """The treatments of a run; below them, what the run as a whole waits for."""
    waits = [Text(f"The run waits for {run['waiting_for']}.")] if run["waiting_for"] else []
    return Group(treatment_table(run, run_id), *waits)


def _follow_plainly(client: Client, run_id: str) -> RunJson:
    printed: dict[str, tuple[str, str | None]] = {}
    causes: dict[str | None, str] = {}  # the treatment with which each cause was printed
    printed_wait: str | None = None

    def print_changes(run: RunJson) -> None:
        nonlocal printed_wait
        if run["waiting_for"] and run["waiting_for"] != printed_wait:
            printed_wait = run["waiting_for"]
            print(harmless(f"The run waits for {printed_wait}."), flush=True)
        for treatment in run["treatments"]:
            approve = approval_command(run_id, treatment)
            if printed.get(treatment["name"]) != (treatment["state"], approve):
                printed[treatment["name"]] = (treatment["state"], approve)
                shared = causes.setdefault(treatment["cause"], treatment["name"])
                words = treatment["cause"] if shared == treatment["name"] else f"the same as {shared}"
                cause = f" ({words})" if treatment["cause"] else ""
                waits = f", {waiting_words(run_id, treatment)}" if approve else ""
                state = treatment_state(treatment).plain.replace("_", " ")
                print(harmless(f"{treatment['name']}: {state}{waits}{cause}"), flush=True)

    return _follow(client, run_id, print_changes)


def _follow(client: Client, run_id: str, show: Callable[[RunJson], None]) -> RunJson:
    log, started = _Log(client, run_id), StartedRuns(client, run_id)
    inner: dict[str, _Log] = {}
    readable = True
    while True:
        run: RunJson = client.run(run_id)
        ended = is_final(run["state"])
        show(run)
        width = max((len(treatment["name"]) for treatment in run["treatments"]), default=0)
        for one in started.changes(run["treatments"]):
            if one.run_id in inner and readable:  # it has ended
                inner[one.run_id].print_lines(width, 0)
            out.print(one.line(), markup=False, highlight=False, soft_wrap=True)
            inner.setdefault(one.run_id, _Log(client, one.run_id, f"{one.treatment}/"))
        if readable:
            readable = log.print_lines(width, 0 if ended else _WAIT)
            for one_log in inner.values() if readable else ():
                one_log.print_lines(width, 0)
        elif not ended:
            time.sleep(_WAIT)
        if ended:
            return run


class _Log:
    """The log of one run, printed as far as it is there; `prefix` is set before the names of its treatments."""

    def __init__(self, client: Client, run_id: str, prefix: str = "") -> None:
        self._client = client
        self._run_id = run_id
        self._prefix = prefix
        self._after: str | None = None

    def print_lines(self, width: int, wait: float) -> bool:
        """Prints the lines that are new; waits `wait` seconds for the first. False if the token may not read logs."""
        while True:
            page = _page(self._client, self._run_id, self._after, wait)
            if page is None:
                err.print("The token may not read logs (logs:read), so only the progress is shown.", markup=False)
                return False
            for line in page["lines"]:
                print_line({**line, "treatment": self._prefix + line["treatment"]}, out, width)
            self._after = page["after"]
            if not page["more"]:
                return True


def _page(client: Client, run_id: str, after: str | None, wait: float) -> Mapping[str, Any] | None:
    """The next lines; None if the token may not read logs."""
    try:
        page: Mapping[str, Any] = client.logs(run_id, after, wait=wait)
    except ApiError as error:
        if error.status == 403:
            return None
        raise
    return page


def treatment_table(run: RunJson, run_id: str) -> Table:
    """The treatments of a run with their states, durations and causes; a cause is printed once."""
    first: dict[str, str] = {}
    for treatment in run["treatments"]:
        if treatment["cause"]:
            first.setdefault(treatment["cause"], treatment["name"])
    return make_table(
        ("TREATMENT", "STATE", "TIME", "CAUSE"),
        (
            (
                treatment["name"],
                treatment_state(treatment),
                duration(treatment["started_at"], treatment["finished_at"]),
                _reason(run_id, treatment, first),
            )
            for treatment in run["treatments"]
        ),
    )


def _reason(run_id: str, treatment: Mapping[str, Any], first: Mapping[str, str]) -> str:
    """The cause or what is waited for; `first` maps causes to the treatment beside which each is printed."""
    cause = treatment["cause"]
    if cause:
        return str(cause) if first[cause] == treatment["name"] else f"the same as {first[cause]}"
    return waiting_words(run_id, treatment)
