"""The page that git hosts link to. It is public, so it shows only whether the run has ended, and how."""

from html import escape

from cadence.adapters.http.problem import Response
from cadence.application.melodium.processes import Processes
from cadence.domain.runs.run import Run
from cadence.domain.shared.errors import NotFound

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}
dt{{font-weight:600}}dd{{margin:0 0 .5rem}}code{{background:#eee;padding:.1rem .3rem}}</style></head>
<body><h1>{title}</h1>{content}</body>
</html>
"""
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def answer(processes: Processes, group_id: str, run_id: str) -> Response:
    try:
        run = processes.of_group(group_id, run_id)
    except NotFound:
        return _html(404, "No such run", "<p>There is no such Mélodium run here, or it is not kept any more.</p>")
    return _html(200, "Mélodium run", _facts(run))


def _facts(run: Run) -> str:
    facts = [("Run", run.run_id), ("State", run.state.value.replace("_", " "))]
    facts += [
        (name, f"{at:%Y-%m-%d %H:%M:%S} UTC")
        for name, at in (("Began", run.started_at), ("Ended", run.finished_at))
        if at is not None
    ]
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    command = f"cadence show {run.run_id}"
    return f"<dl>{listed}</dl><p>Who may see more finds it with <code>{escape(command)}</code>.</p>"


def _html(status: int, title: str, content: str) -> Response:
    return {"statusCode": status, "headers": _HEADERS, "body": _PAGE.format(title=escape(title), content=content)}
