"""What `cadence show RUN TREATMENT` prints: the cause of a failure first."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.session import ApiError
from cadence.cli.insight.approval_lines import approval_command, approval_lines, approval_seconds
from cadence.cli.insight.diagnosis import show_diagnosis, show_last_lines
from cadence.cli.insight.instance_table import show_instances
from cadence.cli.insight.new_failures import show_new_failures
from cadence.cli.insight.resource_charts import show_resources
from cadence.cli.insight.step_table import scripts, show_steps
from cadence.cli.insight.summaries import show_summary
from cadence.cli.insight.unreported_values import unreported
from cadence.cli.shared.output import (
    clock_time,
    date_time,
    out,
    pairs_text,
    parsed_time,
    print_section_table,
    seconds_text,
    size,
    state_text,
    treatment_state,
)
from cadence.cli.shared.preview import plain, previewed

BROKEN = frozenset({"failed", "lost", "timed_out"})
_NAME = 12
_PREVIEW_LINES = 6
_SOURCE_TREE = "source-tree"
_GROUPS = frozenset({"gather", "each"})
_PREPARED = {
    "waited": "waited {} for its inputs",
    "approval": "waited {} for approval",
    "queued": "queued {}",
    "booted": "booted in {}",
    "ran": "ran {}",
}
_CONSOLE_LINES = 20


def treatment_details(client: Client, run_id: str, name: str, attempt: int | None = None) -> Mapping[str, Any]:
    """The treatment in an attempt (None: the latest), with its diagnosis, resources and instances.

    These are None if they do not exist or the token may not read them.
    """
    treatment = client.treatment(run_id, name, attempt)
    kind = treatment["spec"]["kind"]
    return {
        **treatment,
        "diagnosis": _or_none(lambda: client.diagnosis(run_id, name, attempt=attempt))
        if treatment["runners"]
        else None,
        "resources": _or_none(lambda: client.resources_used(run_id, name, attempt=attempt))
        if treatment["runners"]
        else None,
        "instances": list(client.instances(run_id, name)) if kind in _GROUPS else None,
    }


def show_treatment(client: Client, run_id: str, name: str, attempt: int | None = None) -> None:
    """Prints all that is known about a treatment, as it is or as an earlier attempt left it."""
    treatment = treatment_details(client, run_id, name, attempt)
    _headline(treatment)
    _cause(run_id, treatment)
    if treatment["state"] in BROKEN:
        show_new_failures(client, run_id, name)
    if treatment.get("steps"):  # a server of an earlier version has none
        _heading("steps")
        show_steps(treatment["steps"])
    if treatment["instances"] is not None:
        _heading("instances")
        show_instances(treatment["instances"])
    _ports("inputs", treatment["inputs"], run_id, treatment)
    _ports("outputs", treatment["outputs"], run_id, treatment)
    show_summary(client, run_id, name)
    _history(treatment)
    if treatment["usage"]:
        _heading("resources")
        show_resources(treatment, treatment["resources"])
    _definition(treatment)
    _runners(treatment)
    _next(run_id, treatment)


def _headline(treatment: Mapping[str, Any]) -> None:
    facts = [
        f"exit code {treatment['exit_code']}" if treatment["exit_code"] is not None else None,
        treatment["signal"],
        _attempt(treatment),
        _spent(treatment["times"]["ran"], "ran {}") if treatment["finished_at"] else None,
        f"running for {_seconds(treatment['times']['ran'])}" if treatment["state"] == "running" else None,
        f"pool {treatment['pool']}" if treatment["pool"] else None,
    ]
    out.print(
        Text.assemble(
            (f"treatment {treatment['name']}", "bold"),
            "  ",
            treatment_state(treatment),
            ("".join(f" · {fact}" for fact in facts if fact), ""),
        )
    )
    if treatment["waiting_for"]:
        out.print(Text.assemble("    waits for ", (treatment["waiting_for"], "bold")))
    if treatment["kept_from"]:
        out.print(Text(f"    reused from run {treatment['kept_from']}"))
    if treatment["started_run"]:
        out.print(Text(f"    started run {treatment['started_run']}"))
    for line in approval_lines(treatment["approval"]):
        out.print(Text(f"    {line}"))


def _cause(run_id: str, treatment: Mapping[str, Any]) -> None:
    diagnosis = treatment["diagnosis"]
    if treatment["state"] in BROKEN:
        _heading("cause")
    if diagnosis and treatment["state"] in BROKEN:
        show_diagnosis(run_id, treatment["name"], diagnosis)
        show_last_lines(run_id, treatment["name"], diagnosis, attempt=_earlier(treatment))
    elif treatment["cause"]:
        out.print(Text(f"    {plain(treatment['cause'])}", "bold"))
    elif diagnosis and diagnosis["last_lines"] and treatment["state"] == "running":
        show_last_lines(run_id, treatment["name"], diagnosis)


def _ports(title: str, ports: Any, run_id: str, treatment: Mapping[str, Any]) -> None:
    if not ports:
        return
    _heading(title)
    option = " --input" if title == "inputs" else ""
    for port in ports:
        _port(port, treatment, f"cadence value show {run_id} {treatment['name']}.{port['port']}{option}")


def _port(port: Mapping[str, Any], treatment: Mapping[str, Any], command: str) -> None:
    """Prints a port with the beginning of its value; `command` shows the whole value."""
    value, flow = port["value"] or port["kept"], f"{port['flow'].capitalize()}<{port['type']}>"
    source = f" from {port['source']}" if port["source"] else ""
    heading = Text.assemble("    ", (port["port"], "bold"), f"  {flow}{source}  ")
    if value:
        empty = not value["size"] and port["flow"] == "stream" and port["type"] != "void"
        heading.append("nothing was written" if empty else size(value["size"]))
        if value["sha256"]:
            heading.append(f"  sha256:{value['sha256'][:16]}", "dim")
        if port["kept"]:
            heading.append("  kept of the failed attempt", "yellow")
        out.print(heading)
        if value["not_kept"]:
            out.print(Text(f"      not kept: {value['not_kept']}", "dim"))
        elif value["bucket"]:
            out.print(Text(f"      kept in bucket {value['bucket']}", "dim"))
        elif value["shown"] and value["shown"]["kind"] == "empty" and value["shown"]["cut"]:
            words = "a tree of files:" if port["port"] == _SOURCE_TREE else "(no preview)"
            out.print(Text(f"    {words} {command}", "dim"))
        elif value["shown"]:
            out.print(previewed(value["shown"], _PREVIEW_LINES))
        return
    out.print(heading.append(_not_complete(port, treatment), "dim"))
    if port["literal"]:
        out.print(previewed(port["literal"], _PREVIEW_LINES))


def _not_complete(port: Mapping[str, Any], treatment: Mapping[str, Any]) -> str:
    if port["element_of"]:
        return f"element {treatment['name'].rpartition(':')[2]} (from 0) of {port['element_of']}"
    if port["literal"]:
        return "as written in the pipeline"
    if missing := unreported(port, treatment):
        return missing
    if port["type"] == "void":
        return ""
    sent = port["sent"] or 0
    if treatment["finished_at"]:
        return f"{size(sent)} before it ended; incomplete" if sent else "nothing sent"
    return f"{size(sent)} so far" if sent else "nothing sent yet"


def _history(treatment: Mapping[str, Any]) -> None:
    history = treatment["history"]
    if not history:
        return
    _heading("history")
    spent = treatment["times"]
    approval = approval_seconds(treatment)
    if approval is not None:
        spent = {**spent, "approval": approval, "queued": max(0.0, spent["queued"] - approval)}
    phrases = [_spent(spent.get(name), form) for name, form in _PREPARED.items()]
    out.print(Text(f"    {date_time(history[0]['at'])}   {', '.join(phrase for phrase in phrases if phrase)}"))
    several = history[-1]["attempt"] > 1
    before = None
    for change in history:
        at = parsed_time(change["at"])
        passed = f"+{_seconds((at - before).total_seconds())}" if before else ""
        attempt = f"attempt {change['attempt']} " if several else ""
        note = f"  {plain(change['note'])}" if change["note"] and change["note"] != treatment["cause"] else ""
        out.print(
            Text.assemble(
                (f"    {clock_time(change['at'])}.{at.microsecond // 1000:03} {passed:>9}  ", "dim"),
                attempt,
                state_text(change["state"]),
                note,
            )
        )
        before = at


def _definition(treatment: Mapping[str, Any]) -> None:
    spec = treatment["spec"]
    runner = next((one for one in treatment["runners"] if one["attempt"] == treatment["attempt"]), None)
    digest = f" ({runner['image_digest']})" if runner and runner["image_digest"] else ""
    _heading("definition")
    _facts(
        image=f"{spec['image']}{digest}" if spec["image"] else None,
        matrix=pairs_text(spec["matrix"]),
        instance_of=spec["group"],
        when=spec["when"],
        environment=spec["environment"],
        parameters=pairs_text(treatment["parameters"]),
        element=_element(spec["element"]),
        services=", ".join(f"{one['name']} ({one['image']})" for one in spec["services"]),
        caches=", ".join(spec["caches"]),
    )
    for name, value in sorted((spec["element"] or {"parameters": {}})["parameters"].items()):
        out.print(Text.assemble(("    parameter   ", "dim"), f"{name}={plain(value)}"))
    for line in (spec["element"] or {"secrets": ()})["secrets"]:
        out.print(Text.assemble(("    secret      ", "dim"), plain(line)))
    for name, value in sorted(spec["env"].items()):
        out.print(Text.assemble(("    env         ", "dim"), f"{name}={plain(value)}"))
    for name, secret in sorted(spec["secrets"].items()):
        out.print(Text.assemble(("    env         ", "dim"), f"{name}=", (f"<secret {secret}>", "magenta")))
    for heading, script in scripts(spec):
        if spec["kind"] == "command":
            out.print(Text(f"    {heading}", "dim"))
        for number, line in enumerate(script.rstrip().splitlines(), 1):
            out.print(Text.assemble((f"    {number:>4} │ ", "dim"), plain(line)))


def _element(element: Mapping[str, Any] | None) -> str | None:
    """The treatment of the engine's program that this one is."""
    if element is None:
        return None
    generics = ", ".join(f"{name}={type_}" for name, type_ in sorted(element["generics"].items()))
    return f"{element['treatment']}{f'<{generics}>' if generics else ''}, track {element['track']}"


def _runners(treatment: Mapping[str, Any]) -> None:
    if not treatment["runners"]:
        return
    _heading("runners")
    print_section_table(
        ("   ATTEMPT", "STATE", "POOL", "HOST", "SYSTEM", "RAN", "END", "RUNNER"),
        (
            (
                f"    {one['attempt']}",
                state_text(one["state"]),
                one["pool"],
                one["facts"].get("hostname") or one["host_id"],
                _system(one["facts"]),
                _seconds(one["times"]["ran"]),
                _end(one),
                one["runner_id"],
            )
            for one in treatment["runners"]
        ),
    )

    for one in treatment["runners"]:
        if one["boot_phases"]:
            out.print(Text(f"    attempt {one['attempt']} booted: {_boot(one['boot_phases'])}", "dim"))
        if one["lines_left_out"]:
            lines = "1 line" if one["lines_left_out"] == 1 else f"{one['lines_left_out']:,} lines"
            out.print(Text(f"    attempt {one['attempt']}: {lines} of its log not kept (log quota)", "yellow"))
        if one["console"]:
            out.print(Text(f"    attempt {one['attempt']} never connected; its machine printed:", "dim"))
            for line in one["console"].rstrip().splitlines()[-_CONSOLE_LINES:]:
                out.print(Text(f"    │ {plain(line)}"))


def _next(run_id: str, treatment: Mapping[str, Any]) -> None:
    """Prints the commands that help to find a fault."""
    name = treatment["name"]
    commands = []
    earlier = _earlier(treatment)
    of_attempt = f" --attempt {earlier}" if earlier else ""
    if approve := approval_command(run_id, treatment):
        commands.append((approve, "let it go on"))
    fed = next((port for port in treatment["inputs"] if port["source"] or port["element_of"]), None)
    if fed:
        commands.append((f"cadence value show {run_id} {name}.{fed['port']} --input", "the whole input"))
        commands.append((f"cadence trace {run_id} --treatment {name}", "where the inputs came from"))
    kept = next((port["port"] for port in treatment["outputs"] if port["kept"] and not port["kept"]["not_kept"]), None)
    if kept:
        commands.append(
            (f"cadence value download {run_id} {name}.{kept}{of_attempt} -o FILE", "what it wrote before it failed")
        )
    failed = next((one["name"] for one in treatment.get("steps", ()) if one["state"] in BROKEN), None)
    if failed and treatment["state"] in BROKEN:
        step = f"--step {shlex.quote(failed)}{of_attempt}"
        commands.append((f"cadence logs {run_id} -t {name} {step}", "what the failed step wrote"))
    if treatment["state"] in BROKEN and not earlier and treatment["spec"]["kind"] == "command":
        commands.append((f"cadence replay {run_id} {name} --here", "run it again on this machine"))
    if not commands:
        return
    _heading("next")
    width = max(len(command) for command, _ in commands)
    for command, purpose in commands:
        out.print(Text.assemble(f"    {command:<{width}}  ", (purpose, "dim")))


def _attempt(treatment: Mapping[str, Any]) -> str | None:
    attempt, latest = treatment["attempt"], treatment.get("latest_attempt", treatment["attempt"])
    return f"attempt {attempt} of {latest}" if latest > 1 else None


def _earlier(treatment: Mapping[str, Any]) -> int | None:
    """The number of the shown attempt, if there is a later one."""
    attempt = int(treatment["attempt"])
    return attempt if attempt < treatment.get("latest_attempt", attempt) else None


def _end(runner: Mapping[str, Any]) -> str:
    if runner["signal"]:
        return str(runner["signal"])
    return f"exit code {runner['exit_code']}" if runner["exit_code"] is not None else (runner["phase"] or "")


def _boot(phases: Mapping[str, float]) -> str:
    """When each phase was reached, in seconds since the first program of the machine started."""
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sorted(phases.items(), key=lambda one: one[1]))


def _system(facts: Mapping[str, Any]) -> str:
    parts = [facts.get("os"), facts.get("arch"), f"{facts['cpus']} cpus" if "cpus" in facts else None]
    return " ".join(str(part) for part in parts if part)


def _heading(title: str) -> None:
    out.print(Text(f"\n{title}", "bold"))


def _facts(**facts: Any) -> None:
    for name, value in facts.items():
        if value:
            out.print(Text.assemble((f"    {name.replace('_', ' '):<{_NAME}}", "dim"), plain(str(value))))


def _spent(seconds: float | None, form: str) -> str | None:
    return None if seconds is None else form.format(_seconds(seconds))


def _seconds(amount: float | None) -> str:
    if amount is None:
        return "-"
    return f"{amount:.2f} s" if amount < 1 else seconds_text(amount)


def _or_none(read: Callable[[], Any]) -> Any:
    """The answer; None if the token may not read it or it does not exist."""
    try:
        return read()
    except ApiError as error:
        if error.status in {403, 404}:
            return None
        raise
