"""An approval in words: how far it is, and who decided."""

from collections.abc import Iterator, Mapping
from typing import Any

from cadence.cli.shared.output import date_time
from cadence.cli.shared.preview import plain


def approval_lines(approval: Mapping[str, Any] | None) -> Iterator[str]:
    """Yields what an environment required, then each decision with its time and reason; nothing without an approval."""
    if approval is None:
        return
    approved = sum(one["decision"] == "approve" for one in approval["decisions"])
    needed = f"{approval['required']} approval" + ("s" if approval["required"] > 1 else "")
    yield f"environment {approval['environment']}: {approved} of {needed}, asked {date_time(approval['asked_at'])}"
    for decision in approval["decisions"]:
        verb = "approved" if decision["decision"] == "approve" else "refused"
        comment = f": {plain(decision['comment'])}" if decision["comment"] else ""
        yield f"{verb} by {plain(decision.get('by_name') or decision['by'])}, {date_time(decision['at'])}{comment}"
