"""`cadence host`: machines that join a pool by themselves."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, out, print_json, print_table

host = typer.Typer(name="host", help="Machines that joined a pool.", no_args_is_help=True)

# Long enough to install many machines, or to log in to one; a host keeps a token of its own once it has joined.
_JOIN_SECONDS = 3_600

Pool = Annotated[str, typer.Argument(metavar="POOL")]
HostId = Annotated[str, typer.Argument(metavar="HOST", help="Its id, or its name if no other has it.")]


@host.command("list")
def list_hosts(
    label: Annotated[
        list[str] | None, typer.Option(help="Only those with this label (NAME or NAME=VALUE).", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the machines that joined a pool."""
    with told(as_json):
        found = [one for one in connect().hosts() if all(_has(one["labels"], wanted) for wanted in label or ())]
    if as_json:
        print_json(found)
        return
    columns = ("HOST", "NAME", "POOL", "RUNNING", "SLOTS", "LABELS", "LAST SEEN")
    print_table(columns, map(_row, found))


@host.command("join")
def join_pool(pool: Pool, as_json: Json = False) -> None:
    """Print the one command that makes a machine a host of a pool. It holds a token that joins for an hour."""
    with told(as_json):
        client = connect()
        _require_pool(client, pool)
        token = client.create_token(f"join {pool}", ["hosts:join"], expires_in=_JOIN_SECONDS)["token"]
        sha256 = client.agent_sha256()
    command = _join_command(client.url, pool, sha256)
    if as_json:
        print_json({"command": command, "token": token, "sha256": sha256})
        return
    out.print(
        "On the machine, as the user that treatments are to run as (Python 3.9 or newer is needed):\n", markup=False
    )
    out.print(f"CADENCE_JOIN_TOKEN={shlex.quote(token)} {command}", markup=False, soft_wrap=True)


@host.command("provision")
def provision_hosts(
    pool: Pool,
    machines: Annotated[
        Path, typer.Option("--machines", metavar="FILE", help="A YAML list of machines with their host keys.")
    ],
    identity: Annotated[
        Path | None,
        typer.Option(help="A private key to log in with; else the agent's and the user's own.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make machines hosts of a pool over SSH. Repeat it to renew their agents; whoever shows another key gets nothing."""
    from cadence.cli.runners.host_provisioning import (
        AgentInstallation,
        ProvisioningError,
        digest,
        provision,
        read_machines,
    )

    try:
        listed = read_machines(machines)
    except ProvisioningError as error:
        raise fail(str(error), WRONG_USE) from None
    with told(as_json):
        client = connect()
        _require_pool(client, pool)
        sha256 = client.agent_sha256()
        agent = client.agent(sha256)
        if digest(agent) != sha256:
            raise fail("The agent that was downloaded does not have the digest that the control plane says.")
        token = client.create_token(f"provision {pool}", ["hosts:join"], expires_in=_JOIN_SECONDS)["token"]
    job = AgentInstallation(agent, sha256, client.url, pool, token)
    outcomes: list[dict[str, Any]] = []
    for number, machine in enumerate(listed, 1):
        if not as_json:
            out.print(f"[{number}/{len(listed)}] {machine.known_as} …", markup=False)
        try:
            outcomes.append({"machine": machine.known_as, "done": True, "said": provision(machine, job, identity)})
        except ProvisioningError as error:
            outcomes.append({"machine": machine.known_as, "done": False, "said": str(error)})
        if not as_json:
            out.print(f"    {outcomes[-1]['said']}", markup=False)
    if as_json:
        print_json(outcomes)
    failed = [one["machine"] for one in outcomes if not one["done"]]
    if failed:
        raise fail(f"{len(failed)} of {len(listed)} could not be made hosts: {', '.join(failed)}", FAILED)


@host.command("drain")
def drain_host(host_id: HostId, as_json: Json = False) -> None:
    """Give a host no further work; what it runs goes on."""
    _change(
        host_id, as_json, lambda client, one: client.drain_host(one["pool"], one["host_id"]), "gets no further work"
    )


@host.command("resume")
def resume_host(host_id: HostId, as_json: Json = False) -> None:
    """Give a drained host work again."""
    _change(host_id, as_json, lambda client, one: client.resume_host(one["pool"], one["host_id"]), "gets work again")


@host.command("remove")
def remove_host(host_id: HostId, as_json: Json = False) -> None:
    """Forget a host: its token is refused from now on. Drain it first, and end its agent."""
    _change(host_id, as_json, lambda client, one: client.remove_host(one["pool"], one["host_id"]), "is forgotten")


def _change(host_id: str, as_json: bool, change: Any, what: str) -> None:
    with told(as_json):
        client = connect()
        found = [one for one in client.hosts() if host_id in (one["host_id"], one["name"])]
        if len(found) != 1:
            raise fail(
                f"There is no host {host_id}." if not found else f"{len(found)} hosts are named {host_id}: give its id."
            )
        changed = change(client, found[0])
    print_json(changed or found[0]) if as_json else out.print(f"{found[0]['name']} {what}", markup=False)


def _require_pool(client: Client, pool: str) -> None:
    known = {one["name"]: one for one in client.pools()}
    if pool not in known:
        raise fail(f"There is no pool {pool}, only {', '.join(sorted(known)) or 'none at all'}.")
    if known[pool]["provider"] != "host":
        raise fail(f"Pool {pool} gets its runners from {known[pool]['provider']}; no host can join it.")


def _join_command(url: str, pool: str, sha256: str) -> str:
    agent = "cadence-agent.pyz"
    checked = f"echo {shlex.quote(f'{sha256}  {agent}')} | sha256sum -c -"
    fetched = f"curl -fsS {shlex.quote(f'{url}/runner/v1/agent/{sha256}')} -o {agent}"
    started = shlex.join(["python3", agent, "host", "--gateway", url, "--pool", pool])
    return f"sh -c {shlex.quote(f'{fetched} && {checked} && exec {started}')}"


def _row(one: Any) -> Sequence[Any]:
    labels = " ".join(f"{name}={value}" for name, value in sorted(one["labels"].items()))
    running = f"{len(one['running'])} (draining)" if one["draining"] else len(one["running"])
    return (one["host_id"], one["name"], one["pool"], running, one["slots"], labels, date_time(one["last_seen"]))


def _has(labels: dict[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in labels and (not equals or labels[name] == value)
