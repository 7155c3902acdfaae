"""The demonstration of `make run`: a signed push of this checkout, the run that it starts, and the trace of its result.

It has a project of its own: a stored pipeline starts for pushes of every git host of its project.

With ONCE=1 in the environment it ends after the run, with exit status 0 if the run succeeded.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from rich.text import Text

from cadence.cli.access.open_dashboard import sign_in_link
from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError, Unreachable
from cadence.cli.provenance.trace_tree import show_graph
from cadence.cli.runs.follow_run import follow_run
from cadence.cli.shared.output import duration, out, state_text
from cadence.local.demo.repository import head
from cadence.local.demo.webhook import Webhook
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import CHECKOUT, StackPaths
from cadence.local.shared.progress import print_line
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import DEFAULT_PORT, StackOptions

PROJECT = "demonstration"
PIPELINE = "check-repository"
RESULT = "report.summary"
_GITHOST = "this-checkout"
_RUN_SECONDS = 60.0


def main() -> int:
    """Starts the stack or uses the running one, shows the run, then serves until Ctrl-C; returns the exit status."""
    folder, once = Path.cwd(), os.environ.get("ONCE", "") not in ("", "0")
    paths = StackPaths.of(folder)
    supervisor = None
    try:
        connection, supervisor = control.up(StackOptions(folder, DEFAULT_PORT), print_line, attached=True)
        client = demonstration_client(connection.url, connection.token)
        run_id, succeeded = demonstrate(client, paths)
        if not once:
            _print_next_steps(client, run_id, started_here=supervisor is not None)
            _serve(supervisor)
        return 0 if succeeded else 1
    except KeyboardInterrupt:
        print_line("")
        return 0 if not once else 130
    except (LocalStackError, ApiError, Unreachable, requests.RequestException) as error:
        print_line(f"error: {error}\nThe logs are in {paths.log('supervisor').parent}.")
        return 1
    finally:
        if supervisor is not None:
            _stop(folder)


def demonstration_client(url: str, token: str) -> Client:
    """A client of the demonstration's project, which is created unless it exists."""
    client = Client(url, token, project=PROJECT)
    if PROJECT not in {project["name"] for project in client.projects()}:
        client.create_project(PROJECT)
    return client


def demonstrate(client: Client, paths: StackPaths) -> tuple[str, bool]:
    """Pushes this checkout and follows the run; returns the run's id and whether it succeeded."""
    document = (CHECKOUT / "examples" / f"{PIPELINE}.yaml").read_text()
    version = client.put_pipeline(PIPELINE, document)["version"]
    print_line(f"\nPipeline {PIPELINE} is valid and stored as version {version}.")
    commit = head(CHECKOUT, CHECKOUT / "build" / "repository")
    webhook = _webhook(client, paths)
    earlier = {run["run_id"] for run in _runs(client)}
    delivery = webhook.push(commit)
    print_line(f"Pushed {commit.commit[:12]} ({commit.message}) of {commit.url}: webhook {delivery} accepted.")
    run_id = _wait_for_run(lambda: next((run["run_id"] for run in _runs(client) if run["run_id"] not in earlier), None))
    print_line(f"It started run {run_id}.\n")
    run = follow_run(client, run_id)
    _show_result(client, run)
    return run_id, bool(run["state"] == "succeeded")


def _webhook(client: Client, paths: StackPaths) -> Webhook:
    """The webhook of the git host of an earlier demonstration, or of a new one."""
    stored = read_json(paths.githost) or {}
    if stored.get("id") not in {one["id"] for one in client.githosts() if one["project"] == client.project}:
        created = client.create_githost("github", _GITHOST)
        stored = {name: created[name] for name in ("id", "webhook_path", "webhook_secret")}
        write_private_json(paths.githost, stored)
    return Webhook(client.url + stored["webhook_path"], stored["webhook_secret"])


def _runs(client: Client) -> Iterator[Mapping[str, Any]]:
    return client.runs(project=client.project, pipeline=PIPELINE)


def _wait_for_run(find: Callable[[], str | None]) -> str:
    deadline = time.monotonic() + _RUN_SECONDS
    while time.monotonic() < deadline:
        run_id = find()
        if run_id is not None:
            return run_id
        time.sleep(0.1)
    raise LocalStackError(f"The webhook was accepted, but no run of {PIPELINE} started within {_RUN_SECONDS:.0f} s.")


def _show_result(client: Client, run: Mapping[str, Any]) -> None:
    elapsed = duration(run["started_at"], run["finished_at"])
    out.print(Text.assemble("\nRun ", run["run_id"], ": ", state_text(run["state"]), f" in {elapsed}"))
    if run["cause"] and run["state"] != "succeeded":
        out.print(Text(f"Cause: {run['cause']}"))
    origin = client.trace(run["run_id"], RESULT)["origin"]
    if origin["value"] is None:
        out.print(Text(f"{RESULT} was not sent."))
        return
    out.print(Text(f"{RESULT}: {(origin['value']['preview'] or '').rstrip()}\n\nWhere it came from:"))
    show_graph(client.provenance(run["run_id"], port=RESULT))


def _print_next_steps(client: Client, run_id: str, *, started_here: bool) -> None:
    print_line(
        f"\nServing on {client.url} (address and token are in .cadence/local.json, where the command line finds them)."
    )
    print_line(f"This run in the dashboard, within a minute (later: cadence open): {sign_in_link(client, run_id)}")
    print_line("  .venv/bin/cadence runs                                 list runs")
    print_line("  .venv/bin/cadence run examples/hello.yaml --follow     run a pipeline")
    print_line(
        "Ctrl-C stops the stack. Pipelines, runs and logs are kept." if started_here else "The stack keeps running."
    )


def _serve(supervisor: "subprocess.Popen[bytes] | None") -> None:
    if supervisor is not None and supervisor.wait() != 0:
        raise LocalStackError(f"The stack ended with status {supervisor.returncode}.")


def _stop(folder: Path) -> None:
    """Stops the stack; further Ctrl-C do not interrupt it."""
    print_line("Stopping the stack …")
    while True:
        try:
            control.down(folder, print_line)
            return
        except KeyboardInterrupt:
            print_line("Still stopping …")
