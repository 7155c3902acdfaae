"""The commands of `cadence` by name, each imported only when it is used: most of the start is imports."""

import importlib
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class LazyCommand(NamedTuple):
    """Where a command is, and its help in one line."""

    module: str
    name: str
    help: str


COMMANDS = {
    "init": LazyCommand(
        "pipelines.init",
        "init",
        "Write a first pipeline for what is in a repository: Python, Node.js, Go, Rust, a Dockerfile.",
    ),
    "validate": LazyCommand("runs.commands", "validate", "Validate pipeline documents and print all findings."),
    "run": LazyCommand(
        "runs.commands", "run", "Run a pipeline document or a Mélodium program (Compo.toml, .mel, .jeu) once."
    ),
    "start": LazyCommand("runs.commands", "start", "Run a stored pipeline."),
    "runs": LazyCommand("runs.list_runs", "runs", "List runs, newest first."),
    "show": LazyCommand(
        "runs.commands", "show", "Show a run, or one of its treatments; the cause of a failure comes first."
    ),
    "graph": LazyCommand(
        "runs.graph",
        "graph",
        "Show the graph of a run: its treatments, what flows over each edge, and the critical path.",
    ),
    "logs": LazyCommand("logs.logs", "logs", "Print the log lines of a run."),
    "tests": LazyCommand(
        "test_reports.results",
        "show_tests",
        "Show the tests of a run: counts, new failures against the base branch, flaky ones, the slowest.",
    ),
    "data": LazyCommand(
        "values.run_data",
        "show_data",
        "Show where every byte that a run left lies, how long it is kept, and who read it.",
    ),
    "shell": LazyCommand("runners.shell", "shell", "Open a shell in the workspace of a treatment that is being run."),
    "search": LazyCommand("search.search", "search", "Search the log lines of all runs, or count them."),
    "trace": LazyCommand("provenance.trace", "trace", "Show where a value, a log line or a treatment came from."),
    "cancel": LazyCommand("runs.commands", "cancel", "Cancel a run."),
    "rerun": LazyCommand(
        "runs.commands", "rerun", "Run the same document with the same parameters again, all of it or a part."
    ),
    "replay": LazyCommand(
        "replay.replay",
        "replay",
        "Run a treatment again with the same inputs, environment and image, and compare the outputs.",
    ),
    "diff": LazyCommand(
        "replay.diff",
        "diff",
        "Compare two runs: the first treatment that differs although its inputs are equal, or the input that changed.",
    ),
    "approve": LazyCommand("limits.approvals", "approve", "Approve a treatment that waits for an approval."),
    "refuse": LazyCommand("limits.approvals", "refuse", "Refuse a treatment that waits for an approval."),
    "deploy": LazyCommand(
        "deployment.deploy",
        "deploy",
        "Deploy Cadence into your AWS account (`cdk deploy`), and print its address and first token.",
    ),
    "destroy": LazyCommand(
        "deployment.deploy",
        "destroy",
        "Remove an installation from your AWS account (`cdk destroy`), after stating what it keeps.",
    ),
    "import": LazyCommand(
        "pipelines.import_workflow",
        "import_",
        "Convert a workflow of GitHub Actions, GitLab CI, Bitbucket, Woodpecker or WfCommons into a pipeline document.",
    ),
    "open": LazyCommand(
        "access.open_dashboard", "open_dashboard", "Print a link to the dashboard that signs in once, within a minute."
    ),
    "value": LazyCommand("values.values", "value", "Values that treatments sent to each other."),
    "pipeline": LazyCommand("pipelines.pipelines", "pipeline", "Stored pipelines."),
    "badge": LazyCommand("pipelines.badges", "badge", "Badges: pictures of a pipeline's state."),
    "program": LazyCommand("melodium.programs", "program", "Stored Mélodium programs."),
    "secret": LazyCommand(
        "access.secrets", "secret", "Secrets of projects, teams, pools and the organization; never read back."
    ),
    "environment": LazyCommand(
        "limits.environments", "environment", "Environments: variables, secrets and approvals for treatments."
    ),
    "approval": LazyCommand("limits.approvals", "approval", "Treatments that wait for an approval."),
    "approval-link": LazyCommand("limits.approvals", "approval_link", "Links that approve or refuse a treatment."),
    "repository": LazyCommand(
        "repositories.repositories",
        "repository",
        "Repositories whose pushes and pull requests start the pipelines in their folder .cadence.",
    ),
    "github-app": LazyCommand(
        "repositories.github_apps",
        "github_app",
        "GitHub Apps: repositories that they are installed on are connected without a token, and get checks.",
    ),
    "githost": LazyCommand("triggers.githosts", "githost", "Git hosts and other senders whose webhooks start runs."),
    "token": LazyCommand("access.tokens", "token", "Tokens for the API."),
    "login": LazyCommand(
        "access.login",
        "login",
        "Sign in through the organization's identity provider.",
    ),
    "directory": LazyCommand(
        "access.directories", "directory", "Directories (LDAP, Active Directory) with which members sign in."
    ),
    "context": LazyCommand("access.login", "context", "Installations that you signed in to."),
    "identity-provider": LazyCommand(
        "access.login", "identity_provider", "OpenID Connect providers with which members sign in."
    ),
    "organization": LazyCommand("access.organizations", "organization", "Organizations."),
    "project": LazyCommand("access.projects", "project", "Projects of the organization."),
    "member": LazyCommand("access.members", "member", "Members of the organization, and invitations."),
    "team": LazyCommand("access.members", "team", "Teams of members."),
    "service-account": LazyCommand("access.members", "service_account", "Accounts for programs."),
    "role": LazyCommand("access.grants", "role", "Roles: named sets of permissions."),
    "access": LazyCommand("access.grants", "access", "Grants: who has which role where, and why."),
    "pool": LazyCommand("placement.pools", "pool", "Pools, from which runners are started."),
    "host": LazyCommand("runners.hosts", "host", "Self-registered hosts, which run the treatments of host pools."),
    "runner": LazyCommand("runners.runners", "runner", "Runners: one for each attempt of a treatment."),
    "quota": LazyCommand("limits.quotas", "quota", "Quotas of the organization."),
    "retention": LazyCommand("logs.retention", "retention", "How long a project's log lines and values are kept."),
    "storage": LazyCommand("values.storage", "storage", "How much the values of a project's runs take."),
    "alert": LazyCommand("alerts.alerts", "alert", "Alerts, their rules, channels and silences."),
    "export": LazyCommand(
        "exports.exports",
        "export",
        "Exports: logs, metrics, traces and the audit log sent to Prometheus, Loki, Datadog, OTLP or CloudEvents.",
    ),
    "dead-letter": LazyCommand(
        "dead_letters.dead_letters",
        "dead_letter",
        "Dead letters: log segments, records, exports and messages of alerts that could not be processed.",
    ),
    "audit": LazyCommand("access.audit", "audit", "The audit log: changes, sign-ins, refusals, secrets and values."),
    "melodium": LazyCommand("melodium.relay", "melodium", "Mélodium engines on this machine."),
}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called or asked for their help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._own = dict(self.commands)
        self.commands = _Loading(self._own)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the list of commands without importing them."""
        own = {name: command.get_short_help_str(formatter.width) for name, command in self._own.items()}
        with formatter.section("Commands"):
            formatter.write_dl([*((name, one.help) for name, one in COMMANDS.items()), *own.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Completes the names of commands without importing them."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from typer._click.shell_completion import CompletionItem

        own = {name: command.get_short_help_str(80) for name, command in self._own.items()}
        helps = {**{name: one.help for name, one in COMMANDS.items()}, **own}
        return [CompletionItem(name, help=text) for name, text in helps.items() if name.startswith(incomplete)]


class _Loading(dict[str, Any]):
    """Commands by name, in the order of the help; a lookup imports one."""

    def __init__(self, own: dict[str, Any]) -> None:
        super().__init__(dict.fromkeys(COMMANDS) | own)

    def __getitem__(self, name: str) -> Any:
        if super().__getitem__(name) is None:
            self[name] = _load(name, COMMANDS[name])
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def values(self) -> Any:
        return [self[name] for name in self]


def _load(name: str, lazy: LazyCommand) -> Any:
    found = getattr(importlib.import_module(f"cadence.cli.{lazy.module}"), lazy.name)
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found)
        return typer.main.get_group(holder).commands[name]
    holder.command(name)(found)
    return typer.main.get_command(holder)
