"""The command `graph`: the treatments of a run, what flows over each edge, and the critical path."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from cadence.cli.client.client import Client
from cadence.cli.client.connection import connect
from cadence.cli.shared.errors import reporting_errors
from cadence.cli.shared.options import Json, Run
from cadence.cli.shared.output import (
    duration,
    out,
    print_json,
    print_section_table,
    run_state,
    seconds_text,
    size,
    state_text,
    treatment_state,
)
from cadence.cli.shared.pager import paged

Edge = Mapping[str, Any]
Node = Mapping[str, Any]
Sent = Mapping[tuple[str, str], Mapping[str, Any]]
"""What is known of each stream that flows, by its treatment and port."""

_MOST_NAMED = 12


def graph(
    run_id: Run,
    seconds: Annotated[
        float, typer.Option(min=0.2, max=60, help="How long the streams that flow are watched for their rates.")
    ] = 2.0,
    as_json: Json = False,
) -> None:
    """Show the graph of a run: its treatments, what flows over each edge, and the critical path.

    The critical path is the chain of treatments, each after the one before it, that the run's time went into. A stream
    is stalled if nothing was sent while it was watched. In JSON, `flow_now` of an edge is what flows over it.
    """
    with reporting_errors(as_json), paged(not as_json):
        client = connect()
        whole = client.graph(run_id)
        edges = with_flows(whole["edges"], *_watched(client, run_id, whole, seconds))
        if as_json:
            print_json({**whole, "edges": edges})
            return
        run = client.run(run_id)
        soft = {one["name"]: one for one in run["treatments"] if one["soft_failed"]}
        out.print(Text.assemble((f"run {run['run_id']}", "bold"), f"  {run['pipeline']}  ", run_state(run)))
        out.print()
        folded = {node["name"]: node["group"] for node in whole["nodes"] if node["group"]}
        nodes = [node for node in whole["nodes"] if node["name"] not in folded]
        print_section_table(
            ("TREATMENT", "STATE", "TIME"),
            ((node["name"], _state(node, soft), duration(node["started_at"], node["finished_at"])) for node in nodes),
        )
        if edges:
            out.print()
            rows = [edge_row(edge) for edge in folded_edges(edges, folded)]
            print_section_table(("FROM", "TO", "FLOW", "SENT", "RATE", "BEHIND"), rows)
        _show_path(whole["critical_path"])


def with_flows(edges: Iterable[Edge], before: Sent, now: Sent, seconds: float) -> list[dict[str, Any]]:
    """Adds to each edge what flows over it, null if nothing does, from two readings `seconds` apart.

    Units: bytes, bytes per second; `behind` is null while the target does not read.
    """
    return [{**edge, "flow_now": _flow(edge, before, now, seconds)} for edge in edges]


def _flow(edge: Edge, before: Sent, now: Sent, seconds: float) -> dict[str, Any] | None:
    stream = now.get((edge["source"], edge["source_port"]))
    if stream is None:
        return None
    earlier = before.get((edge["source"], edge["source_port"]), {"size": 0})
    sent = max(0, stream["size"] - earlier["size"])  # a new attempt begins anew
    behind = (reader["behind"] for reader in stream["readers"] if reader["treatment"] == edge["target"])
    return {
        "size": stream["size"],
        "per_second": sent / seconds,
        "behind": next(behind, None),
        "ended": stream["ended"],
        "stalled": not stream["ended"] and not sent,
    }


def _watched(client: Client, run_id: str, whole: Mapping[str, Any], seconds: float) -> tuple[Sent, Sent, float]:
    """What the running treatments have sent, twice, and the seconds between."""
    running = {node["name"] for node in whole["nodes"] if node["state"] == "running"}
    sources = sorted({edge["source"] for edge in whole["edges"] if edge["flow"] == "stream"} & running)
    if not sources:
        return {}, {}, seconds
    before, began = _sent(client, run_id, sources), time.monotonic()
    if not before:
        return {}, {}, seconds
    time.sleep(seconds)
    now = _sent(client, run_id, sources)
    return before, now, time.monotonic() - began


def _sent(client: Client, run_id: str, sources: Sequence[str]) -> Sent:
    return {(source, one["port"]): one for source in sources for one in client.flows(run_id, source)}


def folded_edges(edges: Iterable[Edge], folded: Mapping[str, str]) -> list[Edge]:
    """The edges between groups and treatments: those of instances, by their group, are edges of that group."""
    found: dict[tuple[str, str, str, str], Edge] = {}
    for edge in edges:
        source, target = (folded.get(edge[end], edge[end]) for end in ("source", "target"))
        found.setdefault(
            (source, edge["source_port"], target, edge["target_port"]), {**edge, "source": source, "target": target}
        )
    return list(found.values())


def edge_row(edge: Edge) -> tuple[str, str, str, str, Text | str, str]:
    """The cells of an edge: from, to, flow, bytes sent, rate, how far its reader is behind."""
    order = edge["target_port"] == "after"
    source = edge["source"] if order else f"{edge['source']}.{edge['source_port']}"
    target = edge["target"] if order else f"{edge['target']}.{edge['target_port']}"
    flow = edge["flow_now"]
    if flow is None:
        sent = "-" if edge["size"] is None or order else size(edge["size"])
        return source, target, "order" if order else edge["flow"], sent, "-", "-"
    rate: Text | str = f"{size(round(flow['per_second']))}/s"
    if flow["ended"]:
        rate = "all sent"
    elif flow["stalled"]:
        rate = Text("stalled", "yellow")
    return source, target, edge["flow"], size(flow["size"]), rate, "-" if not flow["behind"] else size(flow["behind"])


def path_words(steps: Sequence[Mapping[str, Any]]) -> str:
    """The critical path as a sentence, such as `a → b → c, 2 min 14 s`."""
    names = [step["treatment"] for step in steps]
    if len(names) > _MOST_NAMED:
        half = _MOST_NAMED // 2
        names = [*names[:half], f"{len(names) - 2 * half} more", *names[-half:]]
    return f"{' → '.join(names)}, {duration(steps[0]['since'], steps[-1]['until'])}"


def _show_path(steps: Sequence[Mapping[str, Any]]) -> None:
    if not steps:
        return
    out.print()
    out.print(Text.assemble(("critical path  ", "dim"), (path_words(steps), "bold")), soft_wrap=True)
    print_section_table(
        ("TREATMENT", "STATE", "TIME", "QUEUED", "BOOTED", "RAN"),
        (
            (
                step["treatment"],
                state_text(step["state"]),
                duration(step["since"], step["until"]),
                *(seconds_text(step[share]) for share in ("queued", "booted", "ran")),
            )
            for step in steps
        ),
    )


def _state(node: Node, soft: Mapping[str, Mapping[str, Any]]) -> Text:
    attempt = f" (attempt {node['attempt']})" if node["attempt"] > 1 else ""
    state = treatment_state({"state": node["state"], "soft_failed": node["name"] in soft})
    counts = ", ".join(f"{count} {state}" for state, count in sorted((node["instances"] or {}).items()))
    return Text.assemble(state, attempt, f" ({counts})" if counts else "")
