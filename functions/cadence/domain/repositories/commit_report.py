"""What a code host shows about a commit: a status for each pipeline, and one comment on the pull request."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cadence.domain.runs.job_summary import JobSummary, listed
from cadence.domain.runs.run import Run, Treatment
from cadence.domain.runs.states import FAILED_TREATMENT_STATES, RunState
from cadence.domain.shared.permalinks import run_permalink
from cadence.domain.test_reports.report import CaseName, TreatmentReport, total

LONGEST_DESCRIPTION = 140
"""Characters of a status's description: GitHub's limit, the lowest of all code hosts."""
_LONGEST_CAUSE = 600
_LONGEST_SUMMARIES = 15_000  # characters; a comment of Bitbucket has at most 32,768
_MOST_TREATMENTS = 20
_MOST_TESTS = 10
_LONGEST_TEST_NAME = 200


class CommitState(StrEnum):
    """The state of a status."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"


_STATES = {
    RunState.PENDING: CommitState.PENDING,
    RunState.RUNNING: CommitState.RUNNING,
    RunState.CANCELLING: CommitState.RUNNING,
    RunState.SUCCEEDED: CommitState.SUCCESS,
    RunState.FAILED: CommitState.FAILURE,
    RunState.CANCELLED: CommitState.CANCELLED,
    RunState.TIMED_OUT: CommitState.FAILURE,
}
_WORDS = {
    CommitState.PENDING: "The run waits",
    CommitState.RUNNING: "The run is under way",
    CommitState.SUCCESS: "The run succeeded",
    CommitState.FAILURE: "The run failed",
    CommitState.CANCELLED: "The run was cancelled",
}
_SUFFIXES = {"pull_request": " (pull request)", "release": " (release)"}
_MARKS = {CommitState.SUCCESS: "✅", CommitState.FAILURE: "❌", CommitState.CANCELLED: "⚪"}


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """A status of a commit. `context` names it: a later one with the same context replaces it."""

    context: str
    state: CommitState
    description: str
    target_url: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the status, by which one that was sent already is recognised."""
        content = json.dumps([self.context, self.state, self.description, self.target_url])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class PullRequestComment:
    """The comment on a pull request. `marker` is a part of its text by which it is found again."""

    number: int
    body: str
    marker: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the text."""
        return hashlib.sha256(self.body.encode()).hexdigest()


def context_of(run: Run) -> str:
    """Returns the context of a run's status: one for each pipeline and kind of event."""
    return f"cadence/{run.pipeline}{_SUFFIXES.get(str(run.event.get('kind')), '')}"


def newest_runs(runs: Iterable[Run]) -> Mapping[str, Run]:
    """Returns the newest run of each context, by context: a rerun replaces the run that it repeats."""
    newest: dict[str, Run] = {}
    for run in sorted(runs, key=lambda run: run.position):
        newest[context_of(run)] = run
    return newest


def statuses(runs: Mapping[str, Run], public_url: str) -> Sequence[CommitStatus]:
    """Returns the status of each context. `public_url` is the address that links begin with."""
    return [
        CommitStatus(
            context=context,
            state=_STATES[run.state],
            description=_description(run),
            target_url=run_permalink(run.run_id, public_url),
        )
        for context, run in sorted(runs.items())
    ]


def pull_request_number(runs: Mapping[str, Run]) -> int | None:
    """Returns the number of the pull request that runs belong to; None if they belong to none."""
    numbers = (run.event.get("number") for run in runs.values() if run.event.get("kind") == "pull_request")
    return next((number for number in numbers if isinstance(number, int)), None)


def comment(
    number: int,
    repository_id: str,
    commit: str,
    runs: Mapping[str, Run],
    treatments: Mapping[str, Sequence[Treatment]],
    public_url: str,
    tests: Mapping[str, Sequence[TreatmentReport]] | None = None,
    summaries: Mapping[str, Sequence[JobSummary]] | None = None,
) -> PullRequestComment:
    """Returns the comment about the newest runs of a commit: their states, and what failed and why.

    `treatments` are those of the runs to explain (`needs_reasons`), `tests` what they reported, `summaries` what their
    treatments wrote, by the run's id.
    """
    marker = f"<!-- cadence {repository_id} -->"
    lines = [marker, f"**Cadence** on {commit[:12]}", "", "| pipeline | state | duration |", "|---|---|---|"]
    for context, run in sorted(runs.items()):
        state = _STATES[run.state]
        link = f"[{context.removeprefix('cadence/')}]({run_permalink(run.run_id, public_url)})"
        duration = _duration(run.started_at or run.created_at, run.finished_at)
        soft = f", {_soft_failures(run)}" if run.soft_failures else ""
        lines.append(f"| {link} | {_MARKS.get(state, '⏳')} {run.state}{soft} | {duration} |")
    for context, run in sorted(runs.items()):
        if _STATES[run.state] == CommitState.FAILURE:
            lines += [
                "",
                f"### {context.removeprefix('cadence/')} failed",
                *reasons(run, treatments.get(run.run_id, ())),
                *failed_tests((tests or {}).get(run.run_id, ())),
            ]
        elif run.soft_failures:
            title = f"### {context.removeprefix('cadence/')} succeeded, with {_soft_failures(run)}"
            lines += ["", title, *reasons(run, treatments.get(run.run_id, ()))]
    room = _LONGEST_SUMMARIES
    for context, run in sorted(runs.items()):
        if written := listed((summaries or {}).get(run.run_id, ()), room):
            lines += ["", f"### Summaries of {context.removeprefix('cadence/')}", *written]
            room = max(0, room - sum(len(line) + 1 for line in written))
    return PullRequestComment(number=number, body="\n".join(lines) + "\n", marker=marker)


def _description(run: Run) -> str:
    words = _WORDS[_STATES[run.state]]
    if run.state == RunState.SUCCEEDED:
        words += f" in {_duration(run.started_at or run.created_at, run.finished_at)}"
        words += f", with {_soft_failures(run)}" if run.soft_failures else ""
    elif run.cause:
        words += f": {' '.join(run.cause.split())}"
    elif run.waiting_for:
        words += f": {run.waiting_for}"
    return words if len(words) <= LONGEST_DESCRIPTION else words[: LONGEST_DESCRIPTION - 1] + "…"


def needs_reasons(run: Run) -> bool:
    """Returns whether something in a run failed, which a report explains."""
    return run.state in (RunState.FAILED, RunState.TIMED_OUT) or run.soft_failures > 0


def _soft_failures(run: Run) -> str:
    return "1 soft failure" if run.soft_failures == 1 else f"{run.soft_failures} soft failures"


def reasons(run: Run, treatments: Sequence[Treatment]) -> list[str]:
    """Returns lines of Markdown about why a run failed, and what failed softly in it."""
    failed = [treatment for treatment in treatments if treatment.state in FAILED_TREATMENT_STATES]
    failed.sort(key=lambda treatment: treatment.soft_failed)
    if not failed:
        return _quoted(run.cause or "No cause was recorded.")
    lines: list[str] = []
    for treatment in failed[:_MOST_TREATMENTS]:
        code = "" if treatment.exit_code is None else f" with exit code {treatment.exit_code}"
        soft = " (does not fail the run)" if treatment.soft_failed else ""
        lines += [
            f"- `{treatment.name}` {str(treatment.state).replace('_', ' ')}{code}{soft}",
            *_quoted(treatment.cause or "", "  "),
        ]
    if len(failed) > _MOST_TREATMENTS:
        lines.append(f"- and {len(failed) - _MOST_TREATMENTS} more")
    return lines


def failed_tests(reports: Sequence[TreatmentReport]) -> list[str]:
    """Returns the counts of failed tests, and the names of those that the change may have broken."""
    counts = total(reports)
    if not counts.failing:
        return []
    kinds = [
        words
        for count, words in (
            (counts.new, f"{counts.new} new {'failure' if counts.new == 1 else 'failures'}"),
            (counts.known_flaky, f"{counts.known_flaky} known as flaky"),
            (counts.quarantined, f"{counts.quarantined} in quarantine"),
        )
        if count
    ]
    compared = any(report.base_run for report in reports)
    kinds += [] if compared else ["no earlier results to compare with"]
    lines = ["", f"**{counts.failing} of {counts.total} tests failed**{': ' if kinds else ''}{', '.join(kinds)}", ""]
    for words, names in (
        ("new", [name for report in reports for name in report.new_failures]),
        ("flaky", [name for report in reports for name in report.flaky_failures]),
    ):
        lines += [f"- {words}: {_test_name(name)}" for name in names[:_MOST_TESTS]]
        if len(names) > _MOST_TESTS:
            lines.append(f"- and {len(names) - _MOST_TESTS} more {words} ones")
    return lines


def _test_name(case: CaseName) -> str:
    """Returns a name as code, which the name cannot end, with its place."""
    place = "" if case.file is None else f" ({code(case.file + (f':{case.line}' if case.line else ''))})"
    return f"{code(case.name)}{place}"


def code(text: str) -> str:
    """Returns a text of others as code in Markdown, which it cannot end."""
    return f"`{' '.join(text.replace('`', chr(39)).split())[:_LONGEST_TEST_NAME]}`"


def _quoted(text: str, indent: str = "") -> list[str]:
    """Returns a text as a block of code, whose fence the text cannot end."""
    cut = text.strip()[:_LONGEST_CAUSE]
    if not cut:
        return []
    fence = "`" * max(3, *(len(part) + 1 for part in _runs_of_backticks(cut)), 3)
    return [f"{indent}{fence}text", *(f"{indent}{line}" for line in cut.splitlines()), f"{indent}{fence}"]


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(character if character == "`" else " " for character in text).split()


def _duration(start: datetime, end: datetime | None) -> str:
    if end is None:
        return ""
    seconds = max(0, round((end - start).total_seconds()))
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
