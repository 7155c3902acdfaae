"""What is sent and told, held against real receivers. Tests of what is not installed here are skipped."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadence.adapters.export_formats.formats import format_of
from cadence.adapters.export_formats.spans import trace_id
from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.outgoing_http import OutgoingHttp
from cadence.application.exports.ports import LogRecord
from cadence.application.exports.send_export import SendExport
from cadence.domain.exports.export import Export, ExportKind, Signal
from cadence.domain.metrics import catalog
from cadence.domain.metrics.counting import CounterKey, CounterSeries
from cadence.domain.metrics.model import Metric
from cadence.domain.metrics.openmetrics import openmetrics
from cadence.domain.metrics.telling import gauge, metrics_of
from cadence.local.shared.ports import first_free
from tests.integration.exports.peers import Peer, program, running
from tests.integration.exports.scraped import served
from tests.unit.exports.test_spans import RUN_END, TREATMENT_END
from tests.waiting import eventually

DOCS = Path(__file__).resolve().parents[3] / "docs" / "monitoring"
RULES = DOCS / "prometheus-rules.yaml"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def victoria_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    at = program("victoria-logs")
    data = tmp_path_factory.mktemp("logs")
    with running(lambda port: [at, f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{port}"], "/health") as peer:
        yield peer


@pytest.fixture(scope="module")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    at, data = program("victoria-metrics"), tmp_path_factory.mktemp("metrics")
    command = [at, f"-storageDataPath={data}", "-search.latencyOffset=0s"]
    with running(lambda port: [*command, f"-httpListenAddr=127.0.0.1:{port}"], "/health") as peer:
        yield peer


@dataclass(frozen=True)
class Jaeger:
    """`otlp` is where it takes spans, `query` where it shows them."""

    otlp: str
    query: Peer

    def trace(self, trace_id: str) -> dict[str, Any]:
        """Its spans by name, each with its tags as a mapping, and the names of its events; empty while
        there is none.
        """
        answer = self.query.get(f"/api/traces/{trace_id}")
        spans = answer.json()["data"][0]["spans"] if answer.ok else []
        return {
            span["operationName"]: {
                **span,
                "tags": {tag["key"]: tag["value"] for tag in span["tags"]},
                "events": [
                    field["value"] for log in span["logs"] for field in log["fields"] if field["key"] == "event"
                ],
            }
            for span in spans
        }


@pytest.fixture(scope="module")
def jaeger() -> Iterator[Jaeger]:
    at = program("jaeger", "all-in-one")
    otlp = first_free()

    def command(port: int) -> list[str]:
        elsewhere = (
            "admin.http", "collector.grpc-server", "collector.http-server", "collector.otlp.grpc", "http-server",
            "query.grpc-server", "processor.jaeger-binary.server", "processor.jaeger-compact.server",
            "processor.zipkin-compact.server",
        )  # fmt: skip
        words = [f"--{name}.host-port=127.0.0.1:{first_free()}" for name in elsewhere if "processor" not in name]
        words += [f"--{name}-host-port=127.0.0.1:{first_free()}" for name in elsewhere if "processor" in name]
        return [
            at,
            *words,
            "--collector.otlp.enabled=true",
            f"--collector.otlp.http.host-port=127.0.0.1:{otlp}",
            f"--query.http-server.host-port=127.0.0.1:{port}",
        ]

    with running(command, "/api/services") as peer:
        yield Jaeger(f"http://127.0.0.1:{otlp}", peer)


def prometheus(folder: Path, target: str = "", rules: str = "", token: str = "the-token") -> Any:
    at = program("prometheus")
    scrapes = [{"job_name": "cadence", "metrics_path": "/metrics", "static_configs": [{"targets": [target]}]}]
    if target:
        scrapes[0]["authorization"] = {"type": "Bearer", "credentials": token}  # type: ignore[assignment]
    (folder / "rules.yaml").write_text(rules or "groups: []\n")
    config = {
        # A scrape may take as long as there is between two: what answers it shares the machine with the tests.
        "global": {"scrape_interval": "10s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": scrapes if target else [],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [at, f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command += ["--web.enable-remote-write-receiver"]
    return running(lambda port: [*command, f"--web.listen-address=127.0.0.1:{port}"], "/-/ready")


def export(kind: ExportKind, url: str) -> Export:
    return Export(
        organization="acme",
        name="peer",
        kind=kind,
        url=url,
        signals=frozenset(Signal),
        created_at=NOW,
        updated_at=NOW,
        labels={"cluster": "eu"},
        origin="http://here",
    )


def send(to: Export, requests: Any) -> None:
    """Raises what the receiver refuses."""
    sender = SendExport(None, format_of, OutgoingHttp(EgressPolicy.of("*")), None)  # type: ignore[arg-type]
    for request in requests:
        sender.request(to, request, {})


def records(*texts: str) -> list[LogRecord]:
    time = NOW.isoformat(timespec="milliseconds")
    return [
        LogRecord(
            organization="acme",
            project="web",
            pipeline="ci",
            run_id="01kb0000000000000000000000",
            line={
                "seq": number,
                "time": time,
                "runner": "r-1",
                "pool": "linux",
                "treatment": "build:3.13",
                "attempt": 1,
                "stream": "stderr",
                "level": "error",
                "text": text,
            },
        )
        for number, text in enumerate(texts, 1)
    ]


def metrics() -> list[Metric]:
    counts = {"state.failed": 3, "runner_seconds": 40.5, "duration.2": 2, "duration.13": 1, "duration.sum": 99.5}
    counts |= {
        "boot.4": 3,
        "boot.sum": 6,
        "queue.0": 3,
        "queue.sum": 0.1,
        "cost.EUR": 0.25,
        "memory.3": 3,
        "memory.sum": 9,
    }
    treatments = CounterSeries(
        CounterKey(organization="acme", project="web", pipeline="ci", treatment="build", pool="spot", provider="ec2"),
        counts,
    )
    runs = CounterSeries(
        CounterKey(organization="acme", project="web", pipeline="ci"),
        {"state.failed": 3, "run_duration.1": 3, "run_duration.sum": 12},
    )
    gauges = [
        gauge(catalog.FAILED_MESSAGES, [({"queue": "watching"}, 2)]),
        gauge(catalog.EXPORT_DEAD, [({"export": "logs", "kind": "loki"}, 4)]),
        gauge(catalog.TRUNCATED, [({}, 0)]),
    ]
    return [*metrics_of([treatments, runs]), *gauges]


TEXTS = ("plain", 'with "quotes" and \\ and ü', "two\tcolumns", "plain", "")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (ExportKind.LOKI, "/insert/loki/api/v1/push"),
        (ExportKind.DATADOG, "/insert/datadog"),
        (ExportKind.OTLP, "/insert/opentelemetry"),
    ],
)
def test_victoria_logs_takes_every_line(victoria_logs: Peer, kind: ExportKind, path: str) -> None:
    to = replace(export(kind, victoria_logs.url + path), labels={"cluster": str(kind)})
    send(to, format_of(kind).logs(to, records(*TEXTS)))
    mark = {ExportKind.LOKI: f'cluster:="{kind}"', ExportKind.DATADOG: f'cluster:="{kind}"'}
    query = mark.get(kind, f'"resource_attr:cluster":="{kind}" or cluster:="{kind}"')

    found = eventually(lambda: _all(victoria_logs.lines(query), len([text for text in TEXTS if text])))
    # A line without text gets one from VictoriaLogs.
    said = sorted(line["_msg"] for line in found if line["_msg"] in TEXTS and line["_msg"])
    assert said == sorted(text for text in TEXTS if text)
    line = found[0]
    assert line["_time"][:19] == NOW.isoformat()[:19]
    values = set(line.values())
    assert {"01kb0000000000000000000000", "ci", "build:3.13", "r-1"} <= values


def _all(lines: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    return lines if len(lines) >= least else []


def test_victoria_metrics_takes_remote_write(victoria_metrics: Peer) -> None:
    to = export(ExportKind.PROMETHEUS, f"{victoria_metrics.url}/api/v1/write")
    send(to, format_of(to.kind).metrics(to, metrics(), NOW))
    (found,) = eventually(lambda: _flushed(victoria_metrics, 'cadence_treatments_total{cluster="eu"}'))
    assert found["metric"]["state"] == "failed" and found["value"][1] == "3"
    quantile = "histogram_quantile(0.5, sum by (le) (cadence_treatment_duration_seconds_bucket))"
    assert 5 < float(_flushed(victoria_metrics, quantile)[0]["value"][1]) <= 10


def test_victoria_metrics_takes_datadogs_series(victoria_metrics: Peer) -> None:
    to = export(ExportKind.DATADOG, f"{victoria_metrics.url}/datadog")
    send(to, format_of(to.kind).metrics(to, metrics(), NOW))
    found = eventually(lambda: _flushed(victoria_metrics, '{__name__=~"cadence.runs",cluster="eu"}'))
    assert [one["value"][1] for one in found] == ["3"]
    assert found[0]["metric"]["pipeline"] == "ci"


def test_victoria_metrics_takes_otlp(victoria_metrics: Peer) -> None:
    to = replace(export(ExportKind.OTLP, f"{victoria_metrics.url}/opentelemetry"), labels={"cluster": "otlp"})
    send(to, format_of(to.kind).metrics(to, metrics(), NOW))
    found = eventually(
        lambda: _flushed(
            victoria_metrics, '{__name__="cadence_boot_count"} or {__name__=~"cadence_treatment_boot_seconds.*count"}'
        )
    )
    assert {one["value"][1] for one in found} == {"3"}


def _flushed(peer: Peer, query: str) -> list[dict[str, Any]]:
    peer.get("/internal/force_flush")
    return peer.samples(query, time=NOW.timestamp() + 1)


def test_prometheus_scrapes_and_its_rules_evaluate(tmp_path: Path) -> None:
    """The rules of the documentation, as they are but for how often, on a scrape as the API answers it."""
    program("prometheus")
    rules = RULES.read_text().replace("interval: 30s", "interval: 1s")
    with served(openmetrics(metrics()), "the-token") as target, prometheus(tmp_path, target, rules) as peer:
        eventually(lambda: peer.samples('up{job="cadence"} == 1'))
        (runs,) = eventually(lambda: peer.samples("cadence_runs_total"))
        assert runs["value"][1] == "3"
        assert {"project": "web", "pipeline": "ci", "state": "failed"}.items() <= runs["metric"].items()
        assert peer.samples("cadence_cost_total")[0]["metric"]["currency"] == "EUR"

        firing = eventually(lambda: {one["labels"]["alertname"] for one in _alerts(peer) if one["state"] == "firing"})
        assert firing <= {"CadenceMessagesFailed", "CadenceExportGaveUp"}
        eventually(lambda: len([one for one in _alerts(peer) if one["state"] == "firing"]) == 2)
        evaluated = eventually(lambda: _evaluated(peer))
        assert {rule["health"] for rule in evaluated} == {"ok"}, [rule.get("lastError") for rule in evaluated]
        for query in _dashboard_queries():
            peer.samples(query)


def _alerts(peer: Peer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = peer.get("/api/v1/alerts").json()["data"]["alerts"]
    return found


def _evaluated(peer: Peer) -> list[dict[str, Any]]:
    """All rules, once each has been evaluated."""
    groups = peer.get("/api/v1/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return rules if all(rule["health"] != "unknown" for rule in rules) else []


def _dashboard_queries() -> list[str]:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = {"$project": ".*", "$__range": "1h", "$__rate_interval": "5m"}
    for name, value in variables.items():
        queries = [query.replace(name, value) for query in queries]
    assert all("$" not in query for query in queries)
    return queries


def test_jaeger_takes_a_runs_spans_and_shows_them_as_one_trace(jaeger: Jaeger) -> None:
    to = export(ExportKind.OTLP, jaeger.otlp)
    ends = [TREATMENT_END, RUN_END]
    for _ in range(2):  # what is sent twice is there once
        send(to, format_of(to.kind).spans(to, ends))
    found = eventually(lambda: _whole(jaeger.trace(trace_id(RUN_END["run_id"]).hex())))
    run, treatment = found["RUN " + RUN_END["pipeline"]], found[TREATMENT_END["treatment"]]
    assert treatment["references"][0]["spanID"] == run["spanID"]
    assert run["tags"]["cicd.pipeline.result"] == "failure"
    assert run["tags"]["span.kind"] == "server" and run["tags"]["error"] is True
    assert treatment["events"] == ["placed", "started"]
    assert jaeger.query.get("/api/services").json()["data"] == ["cadence"]


def _whole(spans: dict[str, Any]) -> dict[str, Any]:
    return spans if len(spans) == 2 else {}


def test_prometheus_takes_remote_write(tmp_path: Path) -> None:
    with prometheus(tmp_path) as peer:
        to = export(ExportKind.PROMETHEUS, f"{peer.url}/api/v1/write")
        send(to, format_of(to.kind).metrics(to, metrics(), datetime.now(UTC)))
        (found,) = peer.samples("cadence_treatment_boot_seconds_count")
        assert found["metric"]["cluster"] == "eu" and found["value"][1] == "3"


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = subprocess.run(
        [program("promtool"), "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
