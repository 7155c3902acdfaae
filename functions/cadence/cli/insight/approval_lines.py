"""An approval in words: what waits for it, how far it is, who decided, and how long that took."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cadence.cli.shared.output import date_time, parsed_time
from cadence.cli.shared.preview import plain

_WAITS_FOR_APPROVAL = re.compile(r"(\d+ approvals|approval) for environment ")


def approval_command(run_id: str, treatment: Mapping[str, Any]) -> str | None:
    """The command that approves a treatment; None if it does not wait for an approval."""
    waits = _WAITS_FOR_APPROVAL.match(treatment["waiting_for"] or "")
    return f"cadence approve {run_id} {treatment['name']}" if waits else None


def waiting_words(run_id: str, treatment: Mapping[str, Any]) -> str:
    """What a treatment waits for, with the command that approves it; empty if it waits for its inputs only."""
    if not treatment["waiting_for"]:
        return ""
    command = approval_command(run_id, treatment)
    return f"waits for {treatment['waiting_for']}" + (f": {command}" if command else "")


def approval_seconds(treatment: Mapping[str, Any]) -> float | None:
    """The part of its time in the queue in which a treatment waited for an approval; None if its last attempt did not.

    An approval is asked for once, before the first attempt.
    """
    approval, queued = treatment["approval"], treatment["times"]["queued"]
    if approval is None or queued is None or treatment["attempt"] > 1:
        return None
    if _WAITS_FOR_APPROVAL.match(treatment["waiting_for"] or "") or not approval["decisions"]:
        end = parsed_time(treatment["finished_at"]) if treatment["finished_at"] else datetime.now(UTC)
    else:
        end = max(parsed_time(one["at"]) for one in approval["decisions"])
    return min(float(queued), max(0.0, (end - parsed_time(approval["asked_at"])).total_seconds()))


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
