"""The commands `host`."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.completion import complete_pool
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Yes
from cadence.cli.shared.output import date_time, out, print_json, print_list, print_result

host = typer.Typer(
    name="host", help="Self-registered hosts, which run the treatments of host pools.", no_args_is_help=True
)

# Long enough to install many machines, or to log in to one; a host keeps a token of its own once it has joined.
_JOIN_SECONDS = 3_600

_ON_THE_MACHINE = (
    "The agent prints what it finds there. It uses bubblewrap to run commands in a sandbox (pools that serve several "
    "projects require it), podman or docker for treatments with an image, and slirp4netns for the pool's setting "
    "private_network."
)

Pool = Annotated[str, typer.Argument(metavar="POOL", help="The name of a host pool.", autocompletion=complete_pool)]
HostId = Annotated[str, typer.Argument(metavar="HOST", help="The id of a host, or its name if that is unique.")]


@host.command("list")
def list_hosts(
    label: Annotated[
        list[str] | None,
        typer.Option(help="Only hosts with this label (NAME or NAME=VALUE); may be repeated.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """List self-registered hosts."""
    with reporting_errors(as_json):
        hosts = [one for one in connect().hosts() if all(_has(one["labels"], wanted) for wanted in label or ())]
    print_list(hosts, ("HOST", "NAME", "POOL", "RUNNING", "SLOTS", "LABELS", "LAST SEEN"), _row, as_json)


@host.command("join")
def join_pool(pool: Pool, as_json: Json = False) -> None:
    """Print the command that makes a machine a host of a pool. Its join token is valid for one hour."""
    with reporting_errors(as_json):
        client = connect()
        _require_pool(client, pool)
        token = client.create_token(f"join {pool}", ["hosts:join"], expires_in=_JOIN_SECONDS)["token"]
        sha256 = client.agent_sha256()
    command = _join_command(client.url, pool, sha256)
    if as_json:
        print_json({"command": command, "token": token, "sha256": sha256})
        return
    out.print(
        "Run this on the machine, as the user that treatments run as (requires Python 3.9 or newer):\n", markup=False
    )
    out.print(f"CADENCE_JOIN_TOKEN={shlex.quote(token)} {command}", markup=False, soft_wrap=True)
    out.print(f"\n{_ON_THE_MACHINE}", markup=False)


@host.command("provision")
def provision_hosts(
    pool: Pool,
    machines: Annotated[
        Path, typer.Option("--machines", metavar="FILE", help="A YAML list of machines with their SSH host keys.")
    ],
    identity: Annotated[
        Path | None,
        typer.Option(
            help="A private key to log in with (default: the keys of the SSH agent and the user).", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Install the agent on machines over SSH, so that they join a pool. Repeat it to upgrade their agents.

    Nothing is sent to a machine that shows another host key than the one in FILE.
    """
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
    with reporting_errors(as_json):
        client = connect()
        _require_pool(client, pool)
        sha256 = client.agent_sha256()
        agent = client.agent(sha256)
        if digest(agent) != sha256:
            raise fail("The downloaded agent does not have the digest that the control plane states.")
        token = client.create_token(f"provision {pool}", ["hosts:join"], expires_in=_JOIN_SECONDS)["token"]
    installation = AgentInstallation(agent=agent, sha256=sha256, gateway=client.url, pool=pool, token=token)
    outcomes: list[dict[str, Any]] = []
    for number, machine in enumerate(listed, 1):
        if not as_json:
            out.print(f"[{number}/{len(listed)}] {machine.display_name} …", markup=False)
        try:
            outcomes.append(
                {"machine": machine.display_name, "done": True, "message": provision(machine, installation, identity)}
            )
        except ProvisioningError as error:
            outcomes.append({"machine": machine.display_name, "done": False, "message": str(error)})
        if not as_json:
            out.print(f"    {outcomes[-1]['message']}", markup=False)
    if as_json:
        print_json(outcomes)
    failed = [one["machine"] for one in outcomes if not one["done"]]
    if failed:
        raise fail(f"{len(failed)} of {len(listed)} machines did not become hosts: {', '.join(failed)}.", FAILED)


@host.command("drain")
def drain_host(host_id: HostId, as_json: Json = False) -> None:
    """Stop giving work to a host. Running treatments continue."""
    _change(host_id, as_json, lambda client, one: client.drain_host(one["pool"], one["host_id"]), "is drained")


@host.command("resume")
def resume_host(host_id: HostId, as_json: Json = False) -> None:
    """Give work to a drained host again."""
    _change(host_id, as_json, lambda client, one: client.resume_host(one["pool"], one["host_id"]), "is resumed")


@host.command("remove")
def remove_host(host_id: HostId, yes: Yes = False, as_json: Json = False) -> None:
    """Remove a host. Its token is refused from now on; drain the host and stop its agent first."""
    confirm_deletion(f"host {host_id}", yes)
    _change(host_id, as_json, lambda client, one: client.remove_host(one["pool"], one["host_id"]), "is removed")


def _change(host_id: str, as_json: bool, change: Callable[[Client, Any], Any], verb: str) -> None:
    with reporting_errors(as_json):
        client = connect()
        found = [one for one in client.hosts() if host_id in (one["host_id"], one["name"])]
        if len(found) != 1:
            raise fail(
                f"There is no host {host_id}." if not found else f"{len(found)} hosts are named {host_id}: give the id."
            )
        changed = change(client, found[0])
    print_result(changed or found[0], f"Host {found[0]['name']} {verb}.", as_json)


def _require_pool(client: Client, pool: str) -> None:
    known = {one["name"]: one for one in client.pools()}
    if pool not in known:
        raise fail(f"There is no pool {pool}; pools are {', '.join(sorted(known)) or 'none'}.")
    if known[pool]["provider"] != "host":
        raise fail(
            f"Pool {pool} uses the provider {known[pool]['provider']}; hosts join pools of the provider host only."
        )


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
