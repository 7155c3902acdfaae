"""Prints a trace as a tree: below each value, treatment or run stand its causes, or with --forward its effects."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text
from rich.tree import Tree

from cadence.cli.shared.output import date_time, duration, out, size, state_text
from cadence.cli.shared.terminal import harmless
from cadence.domain.melodium.element import unreported_words

Json = Mapping[str, Any]

_PROVEN = {
    "identical": "the same bytes",
    "prefix": "its beginning, byte by byte",
    "subsequence": "all lines sent are in it, in order",
    "selection": "all lines sent are in it, in another order",
}
_LONGEST_LINE = 120
_DEEPEST = 150


@dataclass
class _Branch:
    """A line of the tree; `arrow` names the link from its parent."""

    arrow: str
    text: Text
    children: list["_Branch"] = field(default_factory=list)


def show_graph(graph: Json) -> None:
    """Prints a graph of the API: with connecting lines on a terminal, indented elsewhere."""
    tree = _TraceTree(graph)
    root = tree.branch(tree.start, "", None, graph["run_id"], _DEEPEST)
    if out.is_terminal:
        drawn = Tree(root.text)
        _grow(drawn, root, "←" if tree.backward else "→")
        out.print(drawn)
    else:
        for line in _indented(root, 0, "<-" if tree.backward else "->"):
            print(harmless(line))
    for node in tree.unfinished():
        out.print(Text(f"More about {_name(node)}: {_command(node, tree.backward)}", "dim"))


class _TraceTree:
    """The branches of a graph; each node is drawn in full once."""

    def __init__(self, graph: Json) -> None:
        self.backward = graph["direction"] == "backward"
        self._nodes: dict[str, Json] = {node["id"]: node for node in graph["nodes"]}
        self.start = self._nodes[graph["start"]]
        self._steps: defaultdict[str, list[tuple[Json, Json]]] = defaultdict(list)
        near, far = ("effect", "cause") if self.backward else ("cause", "effect")
        for link in graph["links"]:
            if link[far] in self._nodes:
                self._steps[link[near]].append((link, self._nodes[link[far]]))
        self._shown: set[str] = set()

    def branch(self, node: Json, arrow: str, link: Json | None, above: str, depth: int) -> _Branch:
        """The branch of a node below `link`; `above` is the run of its parent, `depth` the number of levels left."""
        text = _text(node)
        run = node["run_id"] or above
        if run != above and node["kind"] != "run":
            text.append(f"  in run {run}")
        if link is not None and (note := self._note(link)):
            text.append(f"  [{note}]", "dim")
        branch = _Branch(arrow, text)
        if node["id"] in self._shown:
            if self._steps[node["id"]]:
                text.append("  (see above)", "dim")
            return branch
        self._shown.add(node["id"])
        if depth == 0:
            text.append("  (deeper than shown: trace it separately)", "dim")
            return branch
        if node["cut"] and link is not None and link["kind"] in ("used", "generated_by", "derived_from"):
            text.append("  (not followed further)", "dim")
        steps = list(self._steps[node["id"]])
        if self.backward and node["kind"] == "value":
            steps = [following for step in steps for following in self._through_producer(step)]
        for one, other in steps:
            if self._is_shown(one, other):
                branch.children.append(self.branch(other, _arrow(one), one, run, depth - 1))
        return branch

    def unfinished(self) -> Iterator[Json]:
        """Nodes with more neighbours than the graph contains."""
        return (node for node in self._nodes.values() if node["next"])

    def _through_producer(self, step: tuple[Json, Json]) -> Sequence[tuple[Json, Json]]:
        """Skips the treatment that sent a value, since the line of the value shows it: its inputs follow at once."""
        link, producer = step
        if link["kind"] != "generated_by":
            return [step]
        if producer["id"] in self._shown:
            return []
        self._shown.add(producer["id"])
        return self._steps[producer["id"]]

    def _is_shown(self, link: Json, other: Json) -> bool:
        if link["kind"] == "part_of" and self.backward:
            # A run is shown once, and only if it has causes of its own or a commit.
            return other["id"] not in self._shown and bool(self._steps[other["id"]] or _commit(other["run"]))
        if link["kind"] == "waited_for":
            return other["id"] not in self._shown
        return True

    def _note(self, link: Json) -> str:
        part = link["cause_part"] if self.backward else link["effect_part"]
        notes = [_position(part), _PROVEN.get(link["basis"], "") if part else "", link["note"] or ""]
        if link["basis"] in ("temporal", "unchecked") and link["kind"] in ("used", "generated_by"):
            notes = ["not provable", link["note"] or (_position(part) if part else "")]
        return ": ".join(note for note in notes if note)


def _text(node: Json) -> Text:
    return _TEXTS[node["kind"]](node)


def _value(node: Json) -> Text:
    value = node["value"]
    text = Text.assemble((f"{node['treatment']}.{node['port']}", "bold"))
    text.append(_sent(value) if value else f"  ({_missing(node)})")
    return _ran(text, node)


def _missing(node: Json) -> str:
    """Says why a node has no value."""
    if node["unreported"]:
        return unreported_words(node["unreported"])
    if node["type"] == "void":
        return "a trigger"
    # An engine that reports without numbers, too, has sent some that are not here.
    return "no value was recorded" if node["finished_at"] else "nothing sent yet"


def _sent(value: Json) -> str:
    digest = f"  sha256:{value['sha256'][:16]}" if value["sha256"] else ""
    not_kept = f"  (not kept: {value['not_kept']})" if value["not_kept"] else ""
    return f"  {size(value['size'])}{digest}{not_kept}"


def _treatment(node: Json) -> Text:
    return _ran(Text.assemble((str(node["treatment"]), "bold")), node)


def _ran(text: Text, node: Json) -> Text:
    text.append("  ")
    text.append_text(state_text(node["state"] or "pending"))
    if node["started_at"]:
        text.append(f" in {duration(node['started_at'], node['finished_at'])}")
    if node["runner"]:
        text.append(f" on {node['runner']['host_id'] or node['runner']['pool']}")
    if node["kept_from"]:
        text.append(" (reused)")
    return text


def _run(node: Json) -> Text:
    run = node["run"]
    text = Text.assemble("run ", (str(node["run_id"]), "bold"))
    if run:
        version = f" version {run['version']}" if run["version"] else ""
        text.append(f"  {run['pipeline']}{version}, by {run['created_by']}, {date_time(run['created_at'])}, ")
        text.append_text(state_text(run["state"]))
        text.append(_commit(run))
    return text


def _commit(run: Json | None) -> str:
    """The commit that the run's event names, with its repository and branch or tag; empty if it names none."""
    event = run["event"] if run else {}
    if not event.get("commit"):
        return ""
    name = event.get("tag") or event.get("branch")
    return f", commit {event['commit']}" + "".join(f" of {part}" for part in (name, event.get("repository")) if part)


def _cache(node: Json) -> Text:
    cache = node["cache"]
    text = Text.assemble("cache ", (cache["key"], "bold"))
    return text.append(f"  {size(cache['size'])}  sha256:{cache['sha256'][:16]}  saved {date_time(cache['saved_at'])}")


def _line(node: Json) -> Text:
    line = node["line"]
    content = line["text"] if len(line["text"]) <= _LONGEST_LINE else f"{line['text'][:_LONGEST_LINE]}…"
    text = Text.assemble("line ", (f"{line['segment']}:{line['index']}", "bold"))
    return text.append(f" of {node['treatment']}, {date_time(line['time'])}: {content}")


def _pipeline(node: Json) -> Text:
    pipeline = node["pipeline"]
    version = f" version {pipeline['version']}" if pipeline["version"] else ""
    return Text.assemble("document ", (pipeline["name"], "bold"), f"{version}  sha256:{pipeline['sha256'][:16]}")


_TEXTS: Mapping[str, Callable[[Json], Text]] = {
    "value": _value,
    "treatment": _treatment,
    "run": _run,
    "cache": _cache,
    "line": _line,
    "pipeline": _pipeline,
}
_ARROWS = {
    "derived_from": "from",
    "waited_for": "after",
    "part_of": "in",
    "instance_of": "instance",
    "started_by": "started",
    "repeats": "repeats",
    "defined_by": "uses",
    "generated_by": "by",
    "used": "used",
}


def _arrow(link: Json) -> str:
    if link["kind"] in ("used", "generated_by") and link["port"]:
        return str(link["port"])
    return _ARROWS[link["kind"]]


def _position(part: Json | None) -> str:
    if part is None:
        return ""
    where = f"line {part['line']}" if part["line"] else f"byte {part['offset']}"
    return f"{where} or one of {part['candidates'] - 1} more" if part["candidates"] > 1 else where


def _name(node: Json) -> str:
    return _text(node).plain.split("  ")[0]


def _command(node: Json, backward: bool) -> str:
    what = {
        "value": f"{node['run_id']} {node['treatment']}.{node['port']}",
        "treatment": f"{node['run_id']} --treatment {node['treatment']}",
        "run": f"{node['run_id']}",
    }.get(node["kind"], "…")
    return f"cadence trace {what}{'' if backward else ' --forward'} --cursor {node['next']}"


def _grow(tree: Tree, branch: _Branch, sign: str) -> None:
    for child in branch.children:
        _grow(tree.add(Text.assemble((f"{child.arrow} {sign} ", "dim"), child.text)), child, sign)


def _indented(branch: _Branch, depth: int, sign: str) -> Iterator[str]:
    yield "  " * depth + (f"{branch.arrow} {sign} " if branch.arrow else "") + branch.text.plain
    for child in branch.children:
        yield from _indented(child, depth + 1, sign)
