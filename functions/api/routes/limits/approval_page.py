"""The pages behind an approval link: plain HTML without scripts, everything in them escaped."""

from html import escape

from cadence.domain.limits.approval import ApprovalRequest, ApprovalVerdict, Decision
from cadence.domain.runs.run import Run

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}"
    "textarea{width:100%}button{font:inherit;padding:.4em 1.2em;margin-right:.5em}"
)


def decision_page(run: Run, asked: ApprovalRequest, maker: str, key: str) -> str:
    """Returns the page. Its form posts the key in the body, so that deciding leaves it in no address."""
    rows = {
        "Pipeline": f"{run.project}/{run.pipeline}",
        "Run": run.run_id,
        "Started by": run.created_by,
        "Treatment": asked.treatment,
        "Environment": asked.environment,
        "Open until": f"{asked.expires_at:%Y-%m-%d %H:%M} UTC",
    }
    table = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    return _page(
        "Approval",
        f"<dl>{table}</dl>"
        f"<p>You decide once, in the name of {escape(maker)}, who made this link.</p>"
        '<form method="post" action="?">'
        f'<input type="hidden" name="key" value="{escape(key)}">'
        '<p><label>Comment<br><textarea name="comment" maxlength="2000" rows="3"></textarea></label></p>'
        '<button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="refuse">Refuse</button>'
        "</form>",
    )


def decided_page(decision: Decision) -> str:
    word = "Approved" if decision.verdict is ApprovalVerdict.APPROVE else "Refused"
    return _page(word, f"<p>{word}: treatment {escape(decision.treatment)} of run {escape(decision.run_id)}.</p>")


def problem_page(message: str) -> str:
    return _page("Not possible", f"<p>{escape(message)}</p>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Cadence: {escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
