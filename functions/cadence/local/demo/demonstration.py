"""What `make run` shows: a signed push of this checkout, the run that it starts, and where its last value came from.

With ONCE=1 in the environment it ends after the run, with the run's status.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError, Unreachable
from cadence.cli.provenance.trace_tree import show_graph
from cadence.cli.runs.follow_run import watch
from cadence.cli.shared.output import duration, out, state_text
from cadence.local.demo.repository import head
from cadence.local.demo.webhook import Webhook
from cadence.local.shared.connection import StackConnection
from cadence.local.shared.errors import LocalStackError
from cadence.local.shared.files import read_json, write_private_json
from cadence.local.shared.paths import CHECKOUT, StackPaths
from cadence.local.shared.progress import say
from cadence.local.supervision import control
from cadence.local.supervision.supervisor import DEFAULT_PORT, StackOptions

PIPELINE = "check-repository"
RESULT = "report.summary"
_GITHOST = "this-checkout"
_RUN_SECONDS = 60.0


def main() -> int:
    """Start the stack (or use the one that runs), show the run, then serve until Ctrl-C; the exit status."""
    folder, once = Path.cwd(), os.environ.get("ONCE", "") not in ("", "0")
    paths = StackPaths.of(folder)
    supervisor = None
    try:
        connection, supervisor = control.up(StackOptions(folder, DEFAULT_PORT), say, attached=True)
        succeeded = demonstrate(connection, paths)
        if not once:
            _invite(connection, ours=supervisor is not None)
            _serve(supervisor)
        return 0 if succeeded else 1
    except KeyboardInterrupt:
        say("")
        return 0 if not once else 130
    except (LocalStackError, ApiError, Unreachable, requests.RequestException) as error:
        say(f"error: {error}\nThe logs are in {paths.log('supervisor').parent}.")
        return 1
    finally:
        if supervisor is not None:
            _stop(folder)


def demonstrate(connection: StackConnection, paths: StackPaths) -> bool:
    """Push this checkout and show what comes of it; whether the run succeeded."""
    client = Client(connection.url, connection.token)
    document = (CHECKOUT / "examples" / f"{PIPELINE}.yaml").read_text()
    version = client.put_pipeline(PIPELINE, document)["version"]
    say(f"\nPipeline {PIPELINE} is valid and stored as version {version}.")
    commit = head(CHECKOUT, CHECKOUT / "build" / "repository")
    webhook = _webhook(client, paths)
    known = {run["run_id"] for run in client.runs(pipeline=PIPELINE)}
    delivery = webhook.push(commit)
    say(f"Pushed {commit.commit[:12]} ({commit.message}) of {commit.url}: webhook {delivery} accepted.")
    run_id = _eventually(
        lambda: next((r["run_id"] for r in client.runs(pipeline=PIPELINE) if r["run_id"] not in known), None)
    )
    say(f"It started run {run_id}.\n")
    run = watch(client, run_id)
    _show_end(client, run)
    return bool(run["state"] == "succeeded")


def _webhook(client: Client, paths: StackPaths) -> Webhook:
    """The git host that an earlier demonstration registered, or a new one."""
    kept = read_json(paths.githost) or {}
    if kept.get("id") not in {githost["id"] for githost in client.githosts()}:
        added = client.create_githost("github", _GITHOST)
        kept = {name: added[name] for name in ("id", "webhook_path", "webhook_secret")}
        write_private_json(paths.githost, kept)
    return Webhook(client.url + kept["webhook_path"], kept["webhook_secret"])


def _eventually(look: Callable[[], str | None]) -> str:
    deadline = time.monotonic() + _RUN_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise LocalStackError(f"The webhook was accepted, but after {_RUN_SECONDS:.0f} s there is no run of {PIPELINE}.")


def _show_end(client: Client, run: Mapping[str, Any]) -> None:
    took = duration(run["started_at"], run["finished_at"])
    out.print(Text.assemble("\nRun ", run["run_id"], ": ", state_text(run["state"]), f" in {took}"))
    if run["cause"] and run["state"] != "succeeded":
        out.print(Text(f"Cause: {run['cause']}"))
    origin = client.trace(run["run_id"], RESULT)["origin"]
    if origin["value"] is None:
        out.print(Text(f"{RESULT} was never sent."))
        return
    out.print(Text(f"{RESULT}: {(origin['value']['preview'] or '').rstrip()}\n\nWhere it came from:"))
    show_graph(client.provenance(run["run_id"], port=RESULT))


def _invite(connection: StackConnection, *, ours: bool) -> None:
    say(f"\nServing on {connection.url} (the token is in .cadence/local.json; the command line finds both by itself).")
    say("  .venv/bin/cadence runs                                 what has run")
    say("  .venv/bin/cadence run examples/hello.yaml --follow     run something yourself")
    say("Ctrl-C stops the stack; pipelines, runs and logs are kept." if ours else "The stack goes on running.")


def _serve(supervisor: "subprocess.Popen[bytes] | None") -> None:
    if supervisor is not None and supervisor.wait() != 0:
        raise LocalStackError(f"The stack has ended with status {supervisor.returncode}.")


def _stop(folder: Path) -> None:
    """Once: whoever presses Ctrl-C again while it stops waits for it all the same."""
    while True:
        try:
            control.down(folder, say)
            return
        except KeyboardInterrupt:
            say("Still stopping …")
