"""Fills a local stack with what the dashboard's pictures show: pipelines, runs, members, exports of a small company."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bench.dashboard.showcase.api import Api
from bench.stack import Stack, until

_FOLDER = Path(__file__).parent
_EARLIER_RUNS = 8


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Ids of the runs that pages are opened with, and a moment within the failed one."""

    failed: str
    moment: str
    passed: str
    replay: str
    catalogue: str
    site: str
    darker_site: str
    letter: str


class _Receiver(BaseHTTPRequestHandler):
    """Accepts what is sent to `/accept`, and refuses everything else for good."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        text = b"" if self.path.startswith("/accept") else b"the dataset is closed for writing"
        self.send_response(400 if text else 204)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keeps standard error free of a line for each request."""


@contextmanager
def receiver() -> Iterator[str]:
    """Serves a receiver of exports and alerts on the loopback interface; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def fill(stack: Stack, receiver_url: str) -> Shown:
    """Stores and runs everything, and returns once all of it can be seen. The project `shop` is there already."""
    api = Api(stack)
    _people(api)
    _rules(api, receiver_url)
    failed, passed = _runs(api, stack)
    replay = api("POST", f"runs/{failed}/treatments/total/replay", {})["run_id"]
    catalogue = api("POST", "projects/default/pipelines/catalogue/runs", {})["run_id"]
    api("POST", "projects/default/pipelines/release/runs", {})  # waits for an approval
    site, darker = (
        str(api("POST", "projects/default/pipelines/site/runs", {"parameters": {"theme": theme}})["run_id"])
        for theme in ("light", "dark")
    )
    for run_id in (replay, catalogue, site, darker):
        _ended(api, run_id)
    until(lambda: api("GET", "approvals")["items"] or None, every=0.5)
    until(lambda: _dead_letters(api), every=1)
    until(lambda: api("GET", "alerts")["items"] or None, every=1)
    return Shown(
        failed=failed,
        moment=_started(api, failed, "total"),
        passed=passed,
        replay=replay,
        catalogue=catalogue,
        site=site,
        darker_site=darker,
        letter=str(api("GET", "dead-letters")["items"][0]["id"]),
    )


def _people(api: Api) -> None:
    for team, description in (("web", "The shop and its site"), ("data", "Reports and the warehouse"), ("ops", "")):
        api("PUT", f"teams/{team}", {"description": description})
    people = [
        ("Ada Lovelace", "ada@example.org", ["data"]),
        ("Grace Hopper", "grace@example.org", ["web", "ops"]),
        ("Edsger Dijkstra", "edsger@example.org", ["web"]),
        ("Barbara Liskov", "barbara@example.org", ["ops"]),
    ]
    for name, email, teams in people:
        api("POST", "members", {"name": name, "email": email, "teams": teams})
    api("PUT", "roles/releaser", {"permissions": ["runs:read", "runs:start-stored", "runs:approve"]})
    api("PUT", "service-accounts/ci", {"description": "Starts what the code host asks for"})
    for subject, role, scope in (
        ("team:web", "developer", "project:shop"),
        ("team:data", "developer", "project:default"),
        ("team:ops", "maintainer", "organization"),
        ("service-account:ci", "releaser", "environment:default/production"),
    ):
        api("POST", "grants", {"subject": subject, "role": role, "scope": scope})
    api("POST", "invitations", {"email": "alan@example.org", "teams": ["data"]})
    api("POST", "tokens", {"name": "dashboard of the wall", "project": "default", "permissions": ["runs:read"]})


def _rules(api: Api, receiver_url: str) -> None:
    """Environments, secrets, limits, exports and alerts."""
    approvals = {"required": 1, "timeout": 86_400, "approvers": None, "not_by_starter": False}
    production = {"env": {"REGION": "eu-west-1"}, "secrets": {"DEPLOY_KEY": "deploy-key"}, "approvals": approvals}
    api("PUT", "projects/default/environments/production", production)
    api("PUT", "projects/default/environments/staging", {"env": {"REGION": "eu-west-3"}, "branches": ["main"]})
    for name, environment in (("deploy-key", "production"), ("warehouse-password", None), ("registry-token", None)):
        api("PUT", f"projects/default/secrets/{name}", {"value": f"not the real {name}", "environment": environment})
    api("PUT", "projects/default/secrets/registry-token", {"value": "renewed"})
    api("PUT", "organizations/quotas", {"max_running_runs": 50, "max_runners": 20})
    api("PUT", "organizations/token-policy", {"longest_days": 90})
    api("PUT", "projects/shop/retention", {"days": 7})
    api("PUT", "projects/shop/storage", {"mebibytes": 2_048})
    api("PUT", "exports/grafana", {"kind": "loki", "url": f"{receiver_url}/accept", "labels": {"site": "paris"}})
    api("PUT", "exports/warehouse", {"kind": "loki", "url": f"{receiver_url}/refuse", "projects": ["default"]})
    secret = "only the receiver of the pictures knows it"
    hook = {"kind": "webhook", "settings": {"url": f"{receiver_url}/accept"}, "secret": secret}
    api("PUT", "alerts/channels/default/team", hook)
    rule = {"when": {"run": {}}, "channels": ["team"], "description": "Look at the first error of the run."}
    api("PUT", "alerts/rules/default/a-run-failed", {"rule": rule})


def _runs(api: Api, stack: Stack) -> tuple[str, str]:
    """Returns the run of `orders` that failed, and the last one before it that passed."""
    for name in ("orders", "release", "catalogue", "site"):
        document = (_FOLDER / f"{name}.yaml").read_text()
        if name == "orders":  # its first version waited longer
            api("PUT", "projects/default/pipelines/orders", {"document": document.replace("sleep 1", "sleep 3")})
        api("PUT", f"projects/default/pipelines/{name}", {"document": document})

    def run(parameters: dict[str, str]) -> str:
        started = api("POST", "projects/default/pipelines/orders/runs", {"parameters": parameters})
        return str(_ended(api, started["run_id"])["run_id"])

    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(run, [{"fifth": str(12 + n)} for n in range(_EARLIER_RUNS)]))
    return run({"fifth": "twelve"}), ended[-1]


def _ended(api: Api, run_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = api("GET", f"runs/{run_id}")
        return run if run["finished_at"] else None

    return until(look, every=0.5)


def _started(api: Api, run_id: str, treatment: str) -> str:
    treatments = {one["name"]: one for one in api("GET", f"runs/{run_id}")["treatments"]}
    return str(treatments[treatment]["started_at"])


def _dead_letters(api: Api) -> bool | None:
    return bool(api("GET", "dead-letters")["items"]) or None
