"""The program `cadence`."""

import importlib.util

import typer

from cadence.cli.access.audit import audit
from cadence.cli.access.grants import access, role
from cadence.cli.access.login import context, identity_provider, login
from cadence.cli.access.members import member, org, service_account, team
from cadence.cli.access.secrets import secret
from cadence.cli.access.tokens import token
from cadence.cli.alerts.alerts import alert
from cadence.cli.dead_letters.dead_letters import dead_letter
from cadence.cli.deployment.deploy import deploy
from cadence.cli.exports.exports import export
from cadence.cli.limits.approvals import approval_link, approve, refuse
from cadence.cli.limits.environments import environment
from cadence.cli.limits.quotas import quota
from cadence.cli.logs.logs import logs
from cadence.cli.logs.retention import retention
from cadence.cli.melodium.programs import program
from cadence.cli.melodium.relay import melodium
from cadence.cli.pipelines.import_workflow import import_
from cadence.cli.pipelines.pipelines import pipeline
from cadence.cli.placement.pools import pool
from cadence.cli.provenance.trace import trace
from cadence.cli.replay.replay import replay
from cadence.cli.runners.hosts import host
from cadence.cli.runners.runners import runner
from cadence.cli.runs import commands as run_commands
from cadence.cli.search.search import search
from cadence.cli.shared.errors import WRONG_USE, fail
from cadence.cli.triggers.githosts import githost
from cadence.cli.values.values import value

app = typer.Typer(
    name="cadence",
    help="An open control plane for integration pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (
    run_commands.validate,
    run_commands.run,
    run_commands.start,
    run_commands.runs,
    run_commands.show,
    logs,
    search,
    trace,
    run_commands.cancel,
    run_commands.rerun,
    replay,
    approve,
    refuse,
    login,
    deploy,
):
    app.command()(command)
app.command("import")(import_)
for group in (
    value,
    pipeline,
    program,
    secret,
    environment,
    approval_link,
    githost,
    token,
    context,
    identity_provider,
    org,
    member,
    team,
    service_account,
    role,
    access,
    pool,
    host,
    runner,
    quota,
    retention,
    alert,
    export,
    dead_letter,
    audit,
    melodium,
):
    app.add_typer(group)


def _print_version(wanted: bool) -> None:
    if wanted:
        from cadence import __version__

        typer.echo(f"cadence {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """An open control plane for integration pipelines."""


@app.command(
    "local",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def local(context: typer.Context) -> None:
    """Run the whole stack on this machine: up, down, status."""
    if any(importlib.util.find_spec(name) is None for name in ("cadence.local", "ministack", "aiohttp")):
        raise fail(
            "The local stack is not installed. Install it with: pip install 'cadence-control-plane[local]'", WRONG_USE
        )
    from cadence.local.commands import app as local_app  # slow to import, and needed by this command only

    local_app(context.args, prog_name="cadence local")


def main() -> None:
    """Runs the command that the arguments name."""
    app()


if __name__ == "__main__":
    main()
