"""The program `cadence`."""

import importlib.util

import typer

from cadence.cli.alerts import rules
from cadence.cli.dead_letters import dead_letters
from cadence.cli.deployment.deploy import deploy
from cadence.cli.exports import exports
from cadence.cli.limits import environments
from cadence.cli.logs import logs
from cadence.cli.melodium import programs, relay
from cadence.cli.pipelines import pipelines
from cadence.cli.pipelines.import_workflow import import_
from cadence.cli.placement import pools
from cadence.cli.provenance import trace
from cadence.cli.replay import replay
from cadence.cli.runners import hosts
from cadence.cli.runs import commands
from cadence.cli.search import search
from cadence.cli.shared.errors import WRONG_USE, fail
from cadence.cli.values import values

app = typer.Typer(
    name="cadence",
    help="An open control plane for integration pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

for command in (
    commands.validate,
    commands.run,
    commands.start,
    commands.runs,
    commands.show,
    logs.logs,
    search.search,
    trace.trace,
    commands.cancel,
    commands.rerun,
    replay.replay,
    environments.approve,
    environments.refuse,
    environments.approval_link,
    exports.cost,
    dead_letters.audit,
    deploy,
):
    app.command()(command)
app.command("import")(import_)
for group in (
    values.value,
    pipelines.pipeline,
    programs.program,
    pipelines.secret,
    environments.environment,
    pipelines.githost,
    pipelines.token,
    pools.pool,
    environments.quota,
    exports.export,
    rules.alert,
    relay.melodium,
    dead_letters.aside,
    dead_letters.retention,
    hosts.host,
    pipelines.runner,
):
    app.add_typer(group)


@app.command(
    "local",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def local(context: typer.Context) -> None:
    """The whole stack on this machine: up, down, status."""
    if any(importlib.util.find_spec(name) is None for name in ("cadence.local", "ministack", "aiohttp")):
        raise fail("The local stack is not installed here: pip install 'cadence-control-plane[local]'", WRONG_USE)
    from cadence.local.commands import app as local_app  # slow to import, and needed by this command only

    local_app(context.args, prog_name="cadence local")


def main() -> None:
    app()


if __name__ == "__main__":
    main()
