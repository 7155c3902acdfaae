"""A trace in W3C PROV-JSON (https://www.w3.org/submissions/prov-json/).

Values, entries of caches, log lines and documents are entities; treatments and runs are activities; runners, and the
users or programs that started a run, are agents. The evidence for a link is in `cadence:basis`.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

from cadence.domain.provenance.graph import PROVEN, Direction, Graph, Link, LinkKind, Node, NodeId, NodeKind, ValuePart

Json = dict[str, Any]

NAMESPACE = "urn:cadence:"
_SECTIONS = (
    "entity", "activity", "agent", "wasGeneratedBy", "used", "wasDerivedFrom", "wasInformedBy", "wasStartedBy",
    "wasAssociatedWith", "wasInfluencedBy",
)  # fmt: skip


def document(graph: Graph) -> Json:
    """Returns the trace as PROV-JSON. All sections are present, also empty ones."""
    content = _Document()
    for node in graph.nodes.values():
        content.add_node(node)
    for link in graph.links:
        if link.effect in graph.nodes and link.cause in graph.nodes:
            content.add_link(link)
            content.add_derivation(graph, link)
    return {"prefix": {"cadence": NAMESPACE}} | {section: content.sections[section] for section in _SECTIONS}


class _Document:
    def __init__(self) -> None:
        self.sections: defaultdict[str, Json] = defaultdict(dict)
        self._relations = 0

    def add_node(self, node: Node) -> None:
        if node.id.kind is NodeKind.TREATMENT:
            self._treatment(node)
        elif node.id.kind is NodeKind.RUN:
            self._run(node)
        else:
            self.sections["entity"][name(node.id)] = _entity(node)

    def add_link(self, link: Link) -> None:
        effect, cause = name(link.effect), name(link.cause)
        about = _about(link)
        match link.kind:
            case LinkKind.GENERATED_BY:
                self._relate("wasGeneratedBy", {"prov:entity": effect, "prov:activity": cause} | about)
            case LinkKind.USED | LinkKind.DEFINED_BY:
                role = {"prov:role": link.port} if link.port else {}
                self._relate("used", {"prov:activity": effect, "prov:entity": cause} | role | about)
            case LinkKind.DERIVED_FROM:
                self._relate("wasDerivedFrom", {"prov:generatedEntity": effect, "prov:usedEntity": cause} | about)
            case LinkKind.WAITED_FOR:
                self._relate("wasInformedBy", {"prov:informed": effect, "prov:informant": cause} | about)
            case LinkKind.STARTED_BY:
                self._relate("wasStartedBy", {"prov:activity": effect, "prov:starter": cause} | about)
            case LinkKind.PART_OF | LinkKind.INSTANCE_OF | LinkKind.REPEATS:
                kind = {"cadence:kind": str(link.kind)}
                self._relate("wasInfluencedBy", {"prov:influencee": effect, "prov:influencer": cause} | kind | about)

    def add_derivation(self, graph: Graph, link: Link) -> None:
        """Adds a derivation that is proven to have passed through a treatment.

        It would not follow from use and generation alone.
        """
        if link.basis not in PROVEN:
            return
        if link.kind is LinkKind.USED and graph.direction is Direction.BACKWARD:
            treatment, port, used = link.effect, graph.nodes[link.effect].port, link.cause
            sent = NodeId(NodeKind.VALUE, treatment.run_id, f"{treatment.name}.{port}")
        elif link.kind is LinkKind.GENERATED_BY and graph.direction is Direction.FORWARD:
            treatment, sent = link.cause, link.effect
            through = graph.nodes[treatment].port
            uses = (use for use in graph.links if use.kind is LinkKind.USED and use.effect == treatment)
            source = next((use.cause for use in uses if use.port == through), None)
            if source is None:
                return
            used = source
        else:
            return
        if sent in graph.nodes and used.kind is NodeKind.VALUE:
            about = {
                "prov:generatedEntity": name(sent),
                "prov:usedEntity": name(used),
                "prov:activity": name(treatment),
            }
            self._relate("wasDerivedFrom", about | _about(link))

    def _treatment(self, node: Node) -> None:
        state, runner = node.treatment, node.runner
        activity: Json = {"prov:type": _type("Treatment"), "prov:label": node.id.name}
        if state is not None:
            activity |= _times(state.started_at, state.finished_at)
            activity |= {"cadence:state": str(state.state), "cadence:attempt": state.attempt}
            if state.exit_code is not None:
                activity["cadence:exitCode"] = state.exit_code
        self.sections["activity"][name(node.id)] = activity
        if runner is None:
            return
        agent = f"cadence:runner/{runner.runner_id}"
        about: Json = {"prov:type": _type("prov:SoftwareAgent"), "cadence:pool": runner.pool}
        about |= {"cadence:provider": runner.provider}
        if runner.host_id:
            about["cadence:host"] = runner.host_id
        if runner.image_digest:
            about["cadence:imageDigest"] = runner.image_digest
        self.sections["agent"][agent] = about
        self._relate("wasAssociatedWith", {"prov:activity": name(node.id), "prov:agent": agent})

    def _run(self, node: Node) -> None:
        activity: Json = {"prov:type": _type("Run")}
        if node.run is not None:
            run = node.run
            activity |= {"prov:label": run.pipeline, "cadence:state": str(run.state)}
            activity |= _times(run.started_at, run.finished_at)
            if run.pipeline_version is not None:
                activity["cadence:version"] = run.pipeline_version
            agent = f"cadence:starter/{node.id.run_id}"
            self.sections["agent"][agent] = {"prov:label": run.created_by}
            self._relate("wasAssociatedWith", {"prov:activity": name(node.id), "prov:agent": agent})
        self.sections["activity"][name(node.id)] = activity

    def _relate(self, section: str, relation: Json) -> None:
        self._relations += 1
        self.sections[section][f"_:r{self._relations}"] = relation


def name(node: NodeId) -> str:
    """Returns the qualified name of a node."""
    return "cadence:" + "/".join(part for part in (str(node.kind), node.run_id, node.name) if part)


def _entity(node: Node) -> Json:
    entity: Json = {"prov:type": _type(str(node.id.kind).capitalize()), "prov:label": node.id.name}
    value = node.value
    if value is not None:
        entity |= {"cadence:flow": value.flow, "cadence:type": value.type}
        entity |= {"cadence:size": value.size}
        entity |= {"cadence:sha256": value.digest} if value.digest else {}
    if node.id.kind is NodeKind.CACHE:
        entity |= {f"cadence:{fact}": node.facts[fact] for fact in ("key", "sha256", "size")}
    if node.id.kind is NodeKind.LINE:
        entity |= {"cadence:text": str(node.facts["text"]).encode("utf-8", "replace").decode()}
        entity |= {"cadence:time": _time(node.facts["time"]), "cadence:stream": node.facts["stream"]}
    if node.id.kind is NodeKind.PIPELINE:
        entity |= {"prov:label": node.facts["name"], "cadence:sha256": node.facts["sha256"]}
    return entity


def _about(link: Link) -> Json:
    attributes: Json = {"cadence:basis": str(link.basis)}
    if link.note:
        attributes["cadence:note"] = link.note
    return attributes | _part("effect", link.effect_part) | _part("cause", link.cause_part)


def _part(of: str, part: ValuePart | None) -> Json:
    if part is None:
        return {}
    attributes = {f"cadence:{of}Offset": part.offset, f"cadence:{of}Length": part.length}
    return attributes | ({f"cadence:{of}Line": part.line} if part.line is not None else {})


def _type(local: str) -> Json:
    return {"$": local if ":" in local else f"cadence:{local}", "type": "prov:QUALIFIED_NAME"}


def _times(started: datetime | None, finished: datetime | None) -> Json:
    attributes = {}
    if started:
        attributes["prov:startTime"] = _time(started)
    if finished:
        attributes["prov:endTime"] = _time(finished)
    return attributes


def _time(at: datetime) -> str:
    return at.isoformat()
