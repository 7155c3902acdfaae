"""The service itself: health, schemas, its own description, metrics."""

import json
from pathlib import Path

from pydantic import ConfigDict

from api.endpoint import PUBLIC, Call, Endpoints, Model, Reply
from cadence.composition.api import Services
from cadence.domain.access.access import Permission
from cadence.domain.metrics.openmetrics import openmetrics
from cadence.domain.shared.errors import NotFound

endpoints = Endpoints("service")

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class HealthView(Model):
    status: str
    version: str


class AnyObject(Model):
    """A JSON object whose shape is described elsewhere."""

    model_config = ConfigDict(extra="allow")


@endpoints.add("GET", "/v1/health", PUBLIC, answers={200: HealthView})
def health(call: Call, services: Services) -> HealthView:
    """Shows whether the API answers. It checks nothing else."""
    return HealthView(status="ok", version=services.version)


@endpoints.add("GET", "/v1/schemas/{name}/{version}", PUBLIC, answers={200: AnyObject}, errors=(404,))
def show_schema(call: Call, services: Services, name: str, version: str) -> Reply:
    """Shows a JSON Schema, for example `pipeline` version `1`; its `$id` is the address at which it was requested."""
    return _schema(call, services.schemas, name, version)


@endpoints.add("GET", "/v1/schemas/{name}/{kind}/{version}", PUBLIC, answers={200: AnyObject}, errors=(404,))
def show_schema_of_kind(call: Call, services: Services, name: str, kind: str, version: str) -> Reply:
    """Shows the JSON Schema of one kind of an object, such as `pool-settings` for the provider `host`, version `1`."""
    return _schema(call, services.schemas, f"{name}/{kind}", version)


def _schema(call: Call, schemas: Path, name: str, version: str) -> Reply:
    paths = {(str(path.parent.relative_to(schemas)), path.stem): path for path in schemas.rglob("*.json")}
    path: Path | None = paths.get((name, version.removesuffix(".json")))
    if path is None:
        names = ", ".join(f"{n}/{v}" for n, v in sorted(paths))
        raise NotFound(f"There is no schema {name}/{version}. There are: {names}.")
    schema = json.loads(path.read_text())
    if call.address:
        schema["$id"] = f"{call.address}/v1/schemas/{name}/{path.stem}"
    return Reply(json.dumps(schema, ensure_ascii=False, indent=2))


@endpoints.add("GET", "/metrics", Permission.METRICS_READ, answers={200: None}, content_type=OPENMETRICS)
def metrics(call: Call, services: Services) -> Reply:
    """Shows metrics of the projects that the token may read, in the OpenMetrics text format.

    docs/monitoring.md lists the metrics. A scrape reads counters, not runs: it costs the same however much ran.
    """
    by = call.by
    rendered = services.render_metrics.render(by.organization, services.visible.projects(by), by.whole_organization)
    return Reply(openmetrics(rendered), content_type=OPENMETRICS)
