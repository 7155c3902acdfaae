"""The commands `pool`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.arguments import confirm_deletion
from cadence.cli.shared.completion import complete_project
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, reporting_errors
from cadence.cli.shared.options import Json, Name, PoolName, Yes
from cadence.cli.shared.output import (
    cost_text,
    date_time,
    out,
    print_json,
    print_list,
    print_result,
    print_table,
    state_text,
)

pool = typer.Typer(name="pool", help="Pools, from which runners are started.", no_args_is_help=True)

GivenTo = Annotated[
    list[str] | None,
    typer.Option(metavar="PROJECT", help="A project that may use it, or * for all; may be repeated."),
]
OfTeam = Annotated[
    str | None,
    typer.Option("--team", metavar="TEAM", help="A team that then maintains it, with the role maintainer at the pool."),
]

_BAR = 20

_CAPTURED = {
    "full": "kept in full",
    "digest": "only digests are kept",
    "none": "nothing is kept",
}


@pool.command("create")
def create_pool(
    name: Name,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The definition of the pool, YAML or JSON; - reads standard input.")
    ],
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The credentials of the provider, YAML or JSON; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    give_to: GivenTo = None,
    team: OfTeam = None,
    as_json: Json = False,
) -> None:
    """Create a pool, or replace it if it exists.

    Its provider then probes whether it can start runners there; `cadence pool show` prints the result. Members of a
    team who are maintainers of the projects can create one for the team.
    """
    body = _mapping(file, "the definition of a pool") | _given(give_to, team)
    if credentials is not None:
        if credentials == file == "-":
            raise fail("Only one of FILE and --credentials can be standard input.", WRONG_USE)
        body["credentials"] = _mapping(credentials, "credentials")
    with reporting_errors(as_json, file):
        client = connect()
        _must_exist(client, give_to)
        stored = client.put_pool(name, body)
    print_result(stored, f"Stored pool {name} (provider {stored['provider']}).", as_json)


@pool.command("give")
def give_pool(
    name: PoolName,
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROJECT",
            help="A project that may use it, too; * are all. May be repeated.",
            autocompletion=complete_project,
        ),
    ] = None,
    take_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROJECT",
            help="A project that may not use it any more; * are those that are not named. May be repeated.",
            autocompletion=complete_project,
        ),
    ] = None,
    team: OfTeam = None,
    as_json: Json = False,
) -> None:
    """Give a pool to projects, which then use it, or to a team, which then maintains it.

    `cadence access revoke` takes it from a team again.
    """
    if not to and not take_from and team is None:
        raise fail("Name a project (--to, --take-from) or a team (--team).", WRONG_USE)
    with reporting_errors(as_json):
        client = connect()
        body = {key: value for key, value in client.pool(name)["pool"].items() if key != "name"}
        _must_exist(client, to)
        if elsewhere := set(take_from or ()) - {*body["projects"], *(to or ())}:
            raise fail(_not_given(name, min(elsewhere), body), FAILED)
        projects = (set(body["projects"]) | set(to or ())) - set(take_from or ())
        if not projects:
            raise fail(f"Pool {name} would be given to no project. Delete it, or name another one (--to).", WRONG_USE)
        stored = client.put_pool(name, body | _given(sorted(projects), team))
    maintained = f" The team {team} maintains it." if team else ""
    print_result(stored, f"Pool {name} is given to {_projects(stored)}.{maintained}", as_json)


def _must_exist(client: Client, projects: list[str] | None) -> None:
    """Ends the command if there is no project of one of these names; * are all projects."""
    names = set(projects or ()) - {"*"}
    missing = names - {one["name"] for one in client.projects()} if names else set[str]()
    if missing:
        raise fail(f"There is no project {min(missing)!r} that you may see: `cadence project list` shows them.", FAILED)


def _not_given(name: str, project: str, definition: Any) -> str:
    message = f"Pool {name} is not given to {project!r}, but to {_projects(definition)}"
    if "*" in definition["projects"]:
        return f"{message}: take it from these (--take-from '*'), and name the projects that keep it (--to)."
    return f"{message}: name one of these."


def _given(projects: list[str] | None, team: str | None) -> dict[str, Any]:
    return ({"projects": projects} if projects else {}) | ({"team": team} if team else {})


def _projects(definition: Any) -> str:
    names = definition["projects"]
    if "*" in names or not names:
        return "all projects" if names else "no project"
    return f"project{'s' * (len(names) > 1)} {', '.join(names)}"


@pool.command("list")
def list_pools(as_json: Json = False) -> None:
    """List pools."""
    with reporting_errors(as_json):
        pools = connect().pools()
    print_list(
        pools,
        ("POOL", "PROVIDER", "REGION", "ARCHITECTURES", "PROJECTS"),
        lambda one: (
            one["name"],
            one["provider"],
            one["region"],
            " ".join(one["architectures"]),
            " ".join(one["projects"]),
        ),
        as_json,
    )


@pool.command("show")
def show_pool(name: PoolName, as_json: Json = False) -> None:
    """Show a pool: its definition, probe, active runners with their cost, and waiting treatments."""
    with reporting_errors(as_json):
        found = connect().pool(name)
    if as_json:
        print_json(found)
        return
    _print_definition(found)
    print_table(
        ("RUNNER", "RUN", "TREATMENT", "STATE", "SINCE", "COST"),
        (
            (
                one["runner_id"],
                one["run_id"],
                one["treatment"],
                state_text(one["state"]),
                date_time(one["since"]),
                cost_text(one["cost"], one["currency"]),
            )
            for one in found["runners"]
        ),
    )
    for one in found["queue"]:
        estimate = one["estimate_seconds"]
        start = "" if estimate is None else f", starts in about {estimate} s"
        out.print(f"waiting {one['position']}. {one['run_id']} {one['treatment']}{start}", markup=False)


@pool.command("probe")
def probe_pool(name: PoolName, as_json: Json = False) -> None:
    """Have the provider probe again whether it can start runners. `cadence pool show` prints the result."""
    with reporting_errors(as_json):
        started = connect().probe_pool(name)
    print_result(started, f"Probing pool {name}. Show the result with: cadence pool show {name}", as_json)


@pool.command("delete")
def delete_pool(
    name: PoolName,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon",
            help="Delete the pool even if its infrastructure cannot be inspected. What exists there stays, and costs.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a pool and its credentials. Refused while its infrastructure still has machines of the pool."""
    confirm_deletion(f"pool {name} and its credentials", yes)
    with reporting_errors(as_json):
        connect().delete_pool(name, abandon=abandon)
    print_result({"deleted": name}, f"Deleted pool {name}.", as_json)


def _print_definition(found: Any) -> None:
    definition, probe, sweep = found["pool"], found["probe"], found["sweep"]
    parts = [
        definition["provider"],
        definition["region"],
        definition["residency"],
        " ".join(definition["architectures"]),
        *definition["labels"],
    ]
    out.print(f"{definition['name']}: {', '.join(part for part in parts if part)}", markup=False)
    values = definition["values"]
    if values["bucket"] or values["capture"] != "full":
        where = f", in bucket {values['bucket']}" if values["bucket"] else ""
        out.print(f"values: {_CAPTURED[values['capture']]}{where}", markup=False)
    out.print(f"given to: {_projects(definition)}", markup=False)
    for one in found["teams"]:
        out.print(f"team {one['team']}: {one['role']}", markup=False)
    names = found["credentials"]["names"]
    if names:
        out.print(f"credentials: {', '.join(names)} of {date_time(found['credentials']['updated_at'])}", markup=False)
    if spending := found.get("spending"):  # a server of an earlier version has none
        out.print(_spending(spending), markup=False)
    elif definition["budget"]:
        out.print(f"budget: {definition['budget']['per_month']:,.2f} a month", markup=False)
    if probe:
        _print_probe(probe)
    if sweep:
        inventory = f"{sweep['seen']} machines, {sweep['ended']} of them orphans that were stopped"
        out.print(f"inventory of {date_time(sweep['at'])}: {inventory}", markup=False)
    for one in found["refusals"]:
        repeated = f", {one['times']} times in a row" if one["times"] > 1 else ""
        out.print(f"refused {one['offer']} at {date_time(one['at'])}{repeated}: {one['reason']}", markup=False)


def _spending(spending: Any) -> str:
    """What was spent of the budget, with a bar: `#` is spent, `-` set aside, `.` left."""
    budget, spent, set_aside = spending["per_month"], spending["spent"], spending["set_aside"]
    full = min(_BAR, round(_BAR * spent / budget))
    held = min(_BAR, round(_BAR * (spent + set_aside) / budget)) - full
    bar = f"{'#' * full}{'-' * held}{'.' * (_BAR - full - held)}"
    reserved = f", {set_aside:,.2f} set aside for active runners" if set_aside else ""
    return (
        f"budget of {spending['month']}: {bar} {spent:,.2f} of {budget:,.2f} {spending['currency']} spent "
        f"({spent / budget:.0%}){reserved}"
    )


def _print_probe(probe: Any) -> None:
    out.print(f"probe of {date_time(probe['at'])}: {'passed' if probe['passed'] else 'failed'}", markup=False)
    if probe["error"]:
        out.print(f"  {probe['error']}", markup=False)
    for check in probe["checks"]:
        result = "ok" if check["missing"] is None else f"missing: {check['missing']}"
        hint = f" ({check['hint']})" if check["hint"] and check["missing"] else ""
        out.print(f"  {check['what']}: {result}{hint}", markup=False)


def _mapping(file: str, what: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", WRONG_USE) from None
    except (ValueError, yaml.YAMLError):  # the content is not quoted: it may hold credentials
        raise fail(f"{file} is neither YAML nor JSON.", FAILED) from None
    if not isinstance(content, dict):
        raise fail(f"{file} does not hold {what}: it is not a mapping of names to values.", FAILED)
    return content
