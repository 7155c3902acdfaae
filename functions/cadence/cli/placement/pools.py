"""The commands `pool`: where runners come from."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import FAILED, WRONG_USE, fail, told
from cadence.cli.shared.options import Json
from cadence.cli.shared.output import date_time, out, print_json, print_table, state_text

pool = typer.Typer(name="pool", help="Pools: where runners come from.", no_args_is_help=True)

_CAPTURED = {
    "full": "kept in full",
    "digest": "only their digests stay",
    "none": "nothing of them stays",
}
Name = Annotated[str, typer.Argument(metavar="NAME")]


@pool.command("set")
def set_pool(
    name: Name,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The pool's definition, YAML or JSON; - is standard input.")
    ],
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The provider's credentials, YAML or JSON; - is standard input.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Create or replace a pool. Its provider then looks whether it could start runners there: `pool show` says what it found."""
    body = _mapping(file, "the definition of a pool")
    if credentials is not None:
        if credentials == file == "-":
            raise fail("Only one of the two can come from standard input.", WRONG_USE)
        body["credentials"] = _mapping(credentials, "credentials")
    with told(as_json, file):
        stored = connect().put_pool(name, body)
    print_json(stored) if as_json else out.print(f"{name} gets its runners from {stored['provider']}", markup=False)


@pool.command("list")
def list_pools(as_json: Json = False) -> None:
    """List pools."""
    with told(as_json):
        found = connect().pools()
    if as_json:
        print_json(found)
        return
    columns = ("POOL", "PROVIDER", "REGION", "ARCHITECTURES", "PROJECTS")
    print_table(
        columns,
        (
            (one["name"], one["provider"], one["region"], " ".join(one["architectures"]), " ".join(one["projects"]))
            for one in found
        ),
    )


@pool.command("show")
def show_pool(name: Name, as_json: Json = False) -> None:
    """What runs in a pool, why, since when and at what cost; who waits for it; what its provider found."""
    with told(as_json):
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
                "" if one["cost"] is None else f"{one['cost']:.4f} {one['currency']}",
            )
            for one in found["runners"]
        ),
    )
    for one in found["queue"]:
        estimate = one["estimate_seconds"]
        when = "" if estimate is None else f", in about {estimate} s"
        out.print(f"waits {one['position']}. {one['run_id']} {one['treatment']}{when}", markup=False)


@pool.command("probe")
def probe_pool(name: Name, as_json: Json = False) -> None:
    """Have the provider look again whether it could start runners; `pool show` says what it found."""
    with told(as_json):
        asked = connect().probe_pool(name)
    print_json(asked) if as_json else out.print(f"{name} is being looked at: cadence pool show {name}", markup=False)


@pool.command("remove")
def remove_pool(
    name: Name,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon", help="Also if nobody can tell what there is of it: whatever exists is left there, and costs."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove a pool and its credentials, once its infrastructure says that nothing of it exists any more."""
    with told(as_json):
        connect().delete_pool(name, abandon=abandon)
    print_json({"removed": name}) if as_json else out.print(f"{name} is removed", markup=False)


def _print_definition(found: Any) -> None:
    its, probe, sweep = found["pool"], found["probe"], found["sweep"]
    parts = [its["provider"], its["region"], its["residency"], " ".join(its["architectures"]), *its["labels"]]
    out.print(f"{its['name']}: {', '.join(part for part in parts if part)}", markup=False)
    values = its["values"]
    if values["bucket"] or values["capture"] != "full":
        where = f", in bucket {values['bucket']}" if values["bucket"] else ""
        out.print(f"values: {_CAPTURED[values['capture']]}{where}", markup=False)
    names = found["credentials"]["names"]
    if names:
        out.print(f"credentials: {', '.join(names)} of {date_time(found['credentials']['updated_at'])}", markup=False)
    if probe:
        _print_probe(probe)
    if sweep:
        told_of = f"{sweep['seen']} machines, {sweep['ended']} of them were orphans and were ended"
        out.print(f"inventory of {date_time(sweep['at'])}: {told_of}", markup=False)
    for one in found["refusals"]:
        often = f", {one['times']} times in a row" if one["times"] > 1 else ""
        out.print(f"refused {one['offer']} at {date_time(one['at'])}{often}: {one['reason']}", markup=False)


def _print_probe(probe: Any) -> None:
    out.print(f"probe of {date_time(probe['at'])}: {'passed' if probe['passed'] else 'failed'}", markup=False)
    if probe["error"]:
        out.print(f"  {probe['error']}", markup=False)
    for check in probe["checks"]:
        said = "ok" if check["missing"] is None else f"missing: {check['missing']}"
        hint = f" ({check['hint']})" if check["hint"] and check["missing"] else ""
        out.print(f"  {check['what']}: {said}{hint}", markup=False)


def _mapping(file: str, what: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}.", WRONG_USE) from None
    except (ValueError, yaml.YAMLError):  # never quoted: it may hold credentials
        raise fail(f"{file} is neither YAML nor JSON.", FAILED) from None
    if not isinstance(content, dict):
        raise fail(f"{file} is not {what}: a mapping of names to values.", FAILED)
    return content
