"""Takes the pictures of the dashboard that the docs show: each page in both themes, over a stack filled with real runs.

    python -m bench.dashboard.pictures [DIRECTORY]

Needs chromium and the dashboard's tools, as the benchmark `dashboard` does, and Gitea (`.ci/peers gitea`).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from bench.dashboard.showcase.filling import Shown, fill, receiver
from bench.dashboard.showcase.repository import connected_repository
from bench.figures import ROOT
from bench.stack import Stack, local_stack
from cadence.cli.access.open_dashboard import sign_in_link

_SCRIPT = ROOT / "dashboard" / "scripts" / "pictures.mjs"
_DOCS = ROOT / "docs" / "assets" / "dashboard"
_PARTS = (
    "members",
    "teams",
    "roles",
    "grants",
    "service-accounts",
    "tokens",
    "environments",
    "secrets",
    "exports",
    "dead-letters",
    "limits",
    "retention",
    "audit",
)


def main() -> int:
    """Fills a stack of its own, and writes the pictures; the exit status is that of the script that takes them."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None or not (ROOT / "dashboard" / "node_modules" / "playwright-core").is_dir():
        raise SystemExit("This needs chromium, and the dashboard's tools, which `make check` installs.")
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else _DOCS
    with local_stack() as stack, receiver() as url, connected_repository(stack) as repository:
        return _taken(stack, pages(fill(stack, url), repository), chromium, directory)


def pages(shown: Shown, repository: str) -> dict[str, str]:
    """Returns the address of each page by the name of its picture."""
    run = f"/ui/runs/{shown.failed}"
    return {
        "home": "/ui",
        "runs": "/ui/runs",
        "run": run,
        "moment": f"{run}?{urlencode({'at': shown.moment})}",
        "treatment": f"{run}/t/total",
        "value": f"{run}/v/export.rows",
        "trace": f"{run}/trace?{urlencode({'port': 'export.rows', 'direction': 'forward'})}",
        "comparison": f"/ui/runs/{shown.passed}/diff/{shown.failed}",
        "replay": f"{run}/diff/{shown.replay}",
        "group": f"/ui/runs/{shown.catalogue}",
        "files": f"/ui/runs/{shown.site}/diff/{shown.darker_site}",
        "search": "/ui/search?q=level:error",
        "pipelines": "/ui/pipelines",
        "pipeline": "/ui/pipelines/default/orders",
        "versions": "/ui/pipelines/default/orders?version=2&with=1",
        "fleet": "/ui/fleet",
        "approvals": "/ui/approvals",
        "alerts": "/ui/alerts",
        **{f"admin-{part}": f"/ui/admin/{part}" for part in _PARTS},
        "admin-export": "/ui/admin/exports/warehouse",
        "admin-dead-letter": f"/ui/admin/dead-letters/{shown.letter}",
        "admin-repositories": "/ui/admin/repositories",
        "admin-repository": f"/ui/admin/repositories/{repository}",
    }


def _taken(stack: Stack, addresses: Mapping[str, str], chromium: str, directory: Path) -> int:
    links = {theme: sign_in_link(stack.client) for theme in ("light", "dark")}
    node = Path(sys.executable).with_name("node")
    done = subprocess.run(
        [str(node), str(_SCRIPT), chromium, str(directory)],
        input=json.dumps({"links": links, "pages": addresses}),
        text=True,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
