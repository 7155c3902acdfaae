"""Origins and destinations of values, log lines and treatments, and the runs that used a value."""

import json
import re

from api.cursors import sign, verify
from api.endpoint import Call, Endpoints, Model
from api.routes.provenance.provenance_shapes import (
    ProvenanceQuery,
    ProvenanceView,
    UsesPage,
    UsesQuery,
    link_view,
    node_view,
    part_view,
    use_view,
)
from api.routes.provenance.trace_shapes import TraceQuery, TraceView, origin_view
from api.shapes import JsonObject
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.access.audit import AuditKind
from cadence.domain.provenance import openlineage, prov
from cadence.domain.provenance.graph import Direction, Graph, Node, NodeId, NodeKind
from cadence.domain.shared.errors import InvalidRequest, Violation

endpoints = Endpoints("provenance")

_MOST_ORIGINS = 500
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ProvDocument(Model):
    """A document in W3C PROV-JSON."""

    prefix: dict[str, str]
    entity: dict[str, JsonObject]
    activity: dict[str, JsonObject]
    agent: dict[str, JsonObject]
    wasGeneratedBy: dict[str, JsonObject]  # noqa: N815 - PROV-JSON's own names
    used: dict[str, JsonObject]
    wasDerivedFrom: dict[str, JsonObject]  # noqa: N815
    wasInformedBy: dict[str, JsonObject]  # noqa: N815
    wasStartedBy: dict[str, JsonObject]  # noqa: N815
    wasAssociatedWith: dict[str, JsonObject]  # noqa: N815
    wasInfluencedBy: dict[str, JsonObject]  # noqa: N815


class OpenLineageEvents(Model):
    """Run events of OpenLineage, in the order in which they happened."""

    events: list[JsonObject]


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/trace",
    Permission.VALUES_READ,
    answers={200: TraceView},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def trace(call: Call, services: Services, run_id: str, query: TraceQuery) -> TraceView:
    """Shows where a value came from: the treatment that sent it, the values that it had received, and so on.

    With an offset, the line at that place is followed as far as that can be proven.
    """
    run = services.visible.get(call.by, run_id)
    treatment, _, port = query.port.rpartition(".")
    graph = services.provenance.trace.value(run, treatment, port, query.offset, Direction.BACKWARD, _MOST_ORIGINS)
    return TraceView(
        run_id=run_id,
        offset=query.offset,
        origin=origin_view(graph),
        part=part_view(graph.nodes[graph.start].part),
    )


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/provenance",
    Permission.VALUES_READ,
    answers={200: ProvenanceView},
    errors=(404, 422),
    audit=AuditKind.VALUE,
)
def show_provenance(call: Call, services: Services, run_id: str, query: ProvenanceQuery) -> ProvenanceView:
    """Shows where a part of a run came from or where it went, over treatments and runs, as a graph."""
    graph = _graph(call, services, run_id, query)
    key = services.keys.key("CURSOR")
    return ProvenanceView(
        run_id=run_id,
        direction=str(graph.direction),
        start=str(graph.start),
        nodes=[node_view(node, _cursor(key, graph.direction, node)) for node in graph.nodes.values()],
        links=[link_view(link) for link in graph.links],
    )


@endpoints.add(
    "GET", "/v1/runs/{run_id}/provenance/prov", Permission.VALUES_READ, answers={200: ProvDocument}, errors=(404, 422)
)
def show_prov(call: Call, services: Services, run_id: str, query: ProvenanceQuery) -> ProvDocument:
    """Shows the same graph in W3C PROV-JSON."""
    return ProvDocument.model_validate(prov.document(_graph(call, services, run_id, query)))


@endpoints.add(
    "GET",
    "/v1/runs/{run_id}/provenance/openlineage",
    Permission.VALUES_READ,
    answers={200: OpenLineageEvents},
    errors=(404, 422),
)
def show_openlineage(call: Call, services: Services, run_id: str, query: ProvenanceQuery) -> OpenLineageEvents:
    """Shows the treatments of the same graph as run events of OpenLineage."""
    return OpenLineageEvents(events=openlineage.events(_graph(call, services, run_id, query)))


@endpoints.add(
    "GET",
    "/v1/projects/{project}/values/{sha256}/uses",
    Permission.VALUES_READ,
    answers={200: UsesPage},
    errors=(404, 422),
)
def show_uses(call: Call, services: Services, project: str, sha256: str, query: UsesQuery) -> UsesPage:
    """Lists the runs of a project that used a value, newest first.

    They are those where values with this digest were sent, and those that received them.
    """
    owner = services.project(call.by, project)
    if not _SHA256.fullmatch(sha256):
        message = "A digest is the 64 hexadecimal digits of a SHA-256, in lower case."
        raise InvalidRequest(message, [Violation("sha256", message)])
    key, listing = services.keys.key("CURSOR"), ("uses", owner.organization, owner.name, sha256)
    after = verify(key, query.cursor, *listing) if query.cursor else None
    page = services.provenance.uses.list(owner.organization, owner.name, sha256, query.limit, after)
    return UsesPage(
        items=[use_view(use.place, use.run, list(use.consumers), more=use.more) for use in page.items],
        next=sign(key, page.after, *listing) if page.after else None,
    )


def _graph(call: Call, services: Services, run_id: str, query: ProvenanceQuery) -> Graph:
    run = services.visible.get(call.by, run_id)
    selected = [name for name in ("port", "treatment", "line", "cache") if getattr(query, name) is not None]
    if len(selected) > 1:
        message = f"Select one part of the run at a time, not {' and '.join(selected)}."
        raise InvalidRequest(message, [Violation(name, message) for name in selected])
    if query.offset is not None and query.port is None:
        message = "An offset is a place in what was sent through a port: name the port as well."
        raise InvalidRequest(message, [Violation("offset", message)])
    direction, (through, position) = Direction(query.direction), _position(services, run_id, query)
    trace = services.provenance.trace
    if query.port:
        treatment, _, port = query.port.rpartition(".")
        return trace.value(run, treatment, port, query.offset, direction, query.limit, position)
    if query.treatment:
        return trace.treatment(run, query.treatment, direction, query.limit, position, through)
    if query.line:
        segment, index = map(int, query.line.split(":"))
        return trace.line(run, segment, index, direction, query.limit, position)
    if query.cache:
        return trace.cache(run, query.cache, direction, query.limit, position)
    return trace.run(run, direction, query.limit, position)


def _position(services: Services, run_id: str, query: ProvenanceQuery) -> tuple[str | None, str | None]:
    """Returns the port that the trace came through and the position that a cursor holds."""
    if query.cursor is None:
        return None, None
    selected = query.port or query.treatment or query.line or query.cache or ""
    kind = (
        NodeKind.VALUE if query.port
        else NodeKind.TREATMENT if query.treatment
        else NodeKind.LINE if query.line
        else NodeKind.CACHE if query.cache
        else NodeKind.RUN
    )  # fmt: skip
    node = NodeId(kind, "" if kind is NodeKind.CACHE else run_id, selected)
    content = verify(services.keys.key("CURSOR"), query.cursor, *_listing(Direction(query.direction), node))
    port, position = json.loads(content)
    return port, position


def _cursor(key: bytes, direction: Direction, node: Node) -> str | None:
    if node.more is None:
        return None
    return sign(key, json.dumps([node.port, node.more]), *_listing(direction, node.id))


def _listing(direction: Direction, node: NodeId) -> tuple[str, str, str]:
    return "provenance", str(direction), str(node)
