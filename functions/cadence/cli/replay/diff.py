"""The command `diff`: two runs compared."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from cadence.cli.client.connection import connect
from cadence.cli.shared.completion import complete_run
from cadence.cli.shared.errors import FAILED, fail, reporting_errors
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import date_time, out, print_json, print_section_table, seconds_text, size, state_text
from cadence.cli.shared.terminal import harmless

_MOST_SHOWN = 20
_SHORT = 20
_FILE_KINDS = {"added": "green", "removed": "red", "changed": "yellow"}
_STANDINGS = {
    "differs": "differs by itself",
    "follows": "follows from others",
    "stopped": "was stopped",
    "unknown": "cannot be compared",
    "open": "has not ended",
    "same": "same",
}
_GIVEN_OTHERS = "was given something else"


def diff(
    run_id: Run,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="OTHER",
            help="Another run, named in the same ways; the older of both is shown as then, the newer as now. Without "
            "it, RUN is compared with the last run of its pipeline that succeeded before it.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two runs: the first treatment that differs although its inputs are equal, or the input that changed.

    The exit code is 0 if no treatment of both runs differs, 1 otherwise.
    """
    with reporting_errors(as_json):
        client = connect()
        then, now = (run_id, other) if other else (client.last_passed(run_id), run_id)
        if then is None:
            raise fail("No earlier run of the same pipeline has succeeded: name another run to compare with.", FAILED)
        found = client.diff(then, now)
        if found["then"]["created_at"] > found["now"]["created_at"]:  # named the other way round
            found = client.diff(now, then)
    print_json(found) if as_json else show_diff(found)
    if found["divergence"]:
        raise typer.Exit(FAILED)


def show_diff(found: Mapping[str, Any]) -> None:
    """Prints the comparison of two runs as the API returns it."""
    for label, run in (("then", found["then"]), ("now", found["now"])):
        state = state_text(run["state"])
        out.print(
            Text.assemble(
                (f"{label:<5}", "dim"),
                f"{run['run_id']}  {run['pipeline']}  ",
                state,
                f"  {date_time(run['created_at'])}",
            )
        )
    out.print()
    out.print(Text(found["words"], "bold"), soft_wrap=True)
    _show_divergence(found)
    otherwise = found["ended_otherwise"]
    if otherwise and otherwise != (found["divergence"] or {}).get("name"):
        ended = next((one["words"] for one in found["treatments"] if one["name"] == otherwise), otherwise)
        out.print(Text.assemble(("the first that ended otherwise  ", "dim"), ended), soft_wrap=True)
    if found["changed"]:
        out.print("\nchanged")
        print_section_table(
            ("", "THEN", "NOW"), [(one["name"], _short(one["then"]), _short(one["now"])) for one in found["changed"]]
        )
    _show_treatments(found)
    for key, which in (("only_then", "the first run"), ("only_now", "the other run")):
        if found[key]:
            rest = f" and {len(found[key]) - _MOST_SHOWN} more" if len(found[key]) > _MOST_SHOWN else ""
            out.print(f"\nonly in {which}: {', '.join(found[key][:_MOST_SHOWN])}{rest}", markup=False, soft_wrap=True)


def _show_divergence(found: Mapping[str, Any]) -> None:
    divergence, content = found["divergence"], found["content"]
    if not divergence:
        return
    rows = [
        (f"{kind} {port['port']}", _sent(port["then"]), _sent(port["now"]))
        for kind, ports in (("input", divergence["inputs"]), ("output", divergence["outputs"]))
        for port in ports
    ]
    rows += [("cause", divergence["then"]["cause"], divergence["now"]["cause"])] * _differ(divergence, "cause")
    then, now = found["runners"]
    if then and now:
        rows += [
            (name, then[key], now[key])
            for name, key in (("pool", "pool"), ("host", "host"), ("image", "image_digest"))
            if then[key] != now[key]
        ]
    if rows:
        print_section_table(("", "THEN", "NOW"), rows)
    if content and content.get("files"):
        _show_files(content["port"], content["files"])
    if content and content["first_difference"]:
        place = content["first_difference"]
        where = f"line {place['line']}, column {place['column']}" if place["line"] else f"byte {place['offset']}"
        where = f"{place['member']}, {where}" if place.get("member") else where
        out.print(Text.assemble((f"{content['port']} differs first in {where}", "dim")))
        out.print(Text.assemble(("  then  ", "dim"), place["then"]))
        out.print(Text.assemble(("  now   ", "dim"), place["now"]))
    elif content and content["note"]:
        out.print(Text.assemble((f"{content['port']}: ", "dim"), content["note"]))


def _show_files(port: str, files: Mapping[str, Any]) -> None:
    """Prints the files that differ between two trees. A server of an earlier version names none."""
    counts = files["counts"]
    several = ", ".join(f"{counts[kind]} {kind}" for kind in _FILE_KINDS if counts[kind])
    if not several:
        return
    out.print(Text.assemble((f"files of {port}: ", "dim"), several))
    for kind, style in _FILE_KINDS.items():
        for name in files[kind][:_MOST_SHOWN]:
            out.print(Text.assemble("  ", (f"{kind:<8}", style), harmless(name)), soft_wrap=True)
        if counts[kind] > _MOST_SHOWN:
            out.print(f"  … {counts[kind] - _MOST_SHOWN} more {kind}", style="dim")


def _show_treatments(found: Mapping[str, Any]) -> None:
    shown = found["treatments"][:_MOST_SHOWN]
    if shown:
        out.print()
        print_section_table(
            ("TREATMENT", "", "THEN", "TIME", "NOW", "TIME"),
            [
                (
                    one["name"],
                    _standing(one),
                    state_text(one["then"]["state"]),
                    _seconds(one["then"]["seconds"]),
                    state_text(one["now"]["state"]),
                    _seconds(one["now"]["seconds"]),
                )
                for one in shown
            ],
        )
    same = found["counts"].get("same", 0)
    hidden = len(found["treatments"]) - len(shown) + found["more"]
    if hidden:
        out.print(f"… {hidden} more treatments differ", style="dim")
    if same and found["divergence"]:
        out.print(f"{same} treatment{'s' * (same != 1)} gave the same results", style="dim")


def _standing(treatment: Mapping[str, Any]) -> str:
    """A treatment's standing in words: one that was given something else does not differ by itself."""
    changed = any(port["known"] for port in treatment["inputs"]) or treatment["definition"] or treatment["variables"]
    return _GIVEN_OTHERS if treatment["standing"] == "differs" and changed else _STANDINGS[treatment["standing"]]


def _differ(divergence: Mapping[str, Any], name: str) -> bool:
    return bool(divergence["then"][name] != divergence["now"][name])


def _sent(value: Mapping[str, Any] | None) -> str:
    return f"{size(value['size'])} {(value['sha256'] or 'no digest')[:16]}" if value else "-"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else seconds_text(seconds)


def _short(text: str | None) -> str:
    return "-" if text is None else text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
