"""Decides whether an event fits a rule. Events are as in `schemas/events/1.json`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cadence.domain.alerts.occurrence import NOTHING, Fit, Labels, Occurrence, OccurrenceSample, Recovery
from cadence.domain.alerts.robust import Judgement, judge
from cadence.domain.alerts.rule import (
    BOOT,
    DURATION,
    QUEUE,
    RUN_DURATION,
    AnomalyCondition,
    LimitCondition,
    LogCondition,
    Rule,
    RunCondition,
    TreatmentCondition,
)
from cadence.domain.exports.event import Event
from cadence.domain.shared.ids import bucket_and_key

Line = Mapping[str, Any]
History = Callable[[str], Sequence[float]]
"""A function from the name of a measurement to its earlier values for the same treatment or pipeline."""

_LONGEST_TEXT = 500
_SPANS = {
    QUEUE: ("ready_at", "placed_at"),
    BOOT: ("placed_at", "started_at"),
    DURATION: ("started_at", "finished_at"),
    RUN_DURATION: ("started_at", "finished_at"),
}
_WORDS = {QUEUE: "It waited for a place", BOOT: "It took to start", DURATION: "It ran", RUN_DURATION: "The run took"}
_SUCCEEDED = "succeeded"


def measured(event: Event, of: str) -> float | None:
    """Returns a time in seconds or a member of the usage; None if the event has none."""
    if (of == RUN_DURATION) != (event["kind"] == "run"):
        return None
    if of not in _SPANS:
        value = (event.get("usage") or {}).get(of)
        return None if value is None else float(value)
    begin, end = (event.get(name) for name in _SPANS[of])
    return (moment(end) - moment(begin)).total_seconds() if begin and end else None


def moment(text: str) -> datetime:
    """Returns the time of an RFC 3339 text."""
    return datetime.fromisoformat(text)


def fit_of_end(rule: Rule, event: Event, history: History) -> Fit:
    """Returns how the end of a treatment or run fits a rule.

    A treatment or run without an end of its own does not fit any.
    """
    if not event.get("finished_at") or not rule.where.includes(event):
        return NOTHING
    match rule.when:
        case TreatmentCondition() if event["kind"] == "treatment":
            condition = rule.when
            codes = condition.exit_codes
            hit = _ended_so(event, condition.states, condition.cause) and (not codes or event["exit_code"] in codes)
            return _fit(event, _ended(event) if hit else None, event["state"] == _SUCCEEDED)
        case RunCondition() if event["kind"] == "run":
            hit = _ended_so(event, rule.when.states, rule.when.cause)
            return _fit(event, _ended(event) if hit else None, event["state"] == _SUCCEEDED)
        case LimitCondition(of, above):
            value = measured(event, of)
            text = (
                f"{_shown(of, value)}, more than {_amount(of, above)}" if value is not None and value > above else None
            )
            return _fit(event, text, value is not None)
        case AnomalyCondition():
            return _fit_of_anomaly(rule.when, event, history)
    return NOTHING


def fit_of_lines(rule: Rule, event: Event, lines: Sequence[Line], matches: Callable[[Line], bool]) -> Fit:
    """Returns how a segment's lines fit a rule on log lines: one occurrence for each group and second.

    If `lines` are not all of the segment, `indexes` of the event says where in the segment each of them stands.
    """
    groups: dict[tuple[tuple[str, ...], datetime], list[int]] = {}
    written_at = moment(event["written_at"]) if event.get("written_at") else None
    for index, line in enumerate(lines):
        if rule.where.includes({"pipeline": event["pipeline"], "treatment": line["treatment"]}) and matches(line):
            labels = line_labels(event, line)
            group = tuple(str(labels[name]) for name in rule.group_by)
            # A runner's clock may be ahead; no line is newer than the time at which it was written.
            at = moment(line["time"])
            at = (min(at, written_at) if written_at else at).replace(microsecond=0)
            groups.setdefault((group, at), []).append(index)
    return Fit(tuple(_lines_occurrence(event, lines, indexes, at) for (_, at), indexes in groups.items()))


def may_fit_segment(rule: Rule, event: Event) -> bool:
    """Returns whether a segment has to be read for a rule: never one that is kept in the bucket of a pool.

    An alert has the text of a line, is stored in our tables, and is sent to others.
    """
    if bucket_and_key(event["key"])[0] is not None:
        return False
    return isinstance(rule.when, LogCondition) and any(
        rule.where.includes({"pipeline": event["pipeline"], "treatment": treatment})
        for treatment in event["treatments"]
    )


def line_labels(event: Event, line: Line) -> Labels:
    """Returns the labels of a log line."""
    return {
        "project": event["project"],
        "pipeline": event["pipeline"],
        "run": event["run_id"],
        **{name: line[name] for name in ("treatment", "level", "stream", "runner")},
    }


def learns(when: AnomalyCondition, event: Event) -> float | None:
    """Returns the value of an event that later ones are compared with; None unless it succeeded."""
    return measured(event, when.of) if event["state"] == _SUCCEEDED else None


def _fit_of_anomaly(condition: AnomalyCondition, event: Event, history: History) -> Fit:
    value = learns(condition, event)
    earlier: Sequence[float] = history(condition.of) if value is not None else ()
    if value is None or len(earlier) < condition.warm_up:
        return NOTHING
    judgement = judge(value, earlier, condition.deviations)
    unusual = judgement.unusual(condition.direction, condition.deviations)
    return _fit(event, _anomaly_text(condition.of, judgement) if unusual else None, True)


def _anomaly_text(of: str, judged: Judgement) -> str:
    usual = f"{_amount(of, judged.low)} to {_amount(of, judged.high)}"
    return (
        f"{_shown(of, judged.value)}: {abs(judged.score):.1f} deviations {'above' if judged.score > 0 else 'below'} the "
        f"median of {_amount(of, judged.median)} of the {judged.earlier} times before, where {usual} is usual"
    )


def _ended_so(event: Event, states: Iterable[str], cause: str) -> bool:
    return event["state"] in states and cause.lower() in (event.get("cause") or "").lower()


def _ended(event: Event) -> str:
    code = event.get("exit_code")
    words = f"{event['state']}{f' with exit code {code}' if code is not None else ''}"
    return f"{words}: {event['cause']}" if event.get("cause") else words


def _fit(event: Event, text: str | None, well: bool) -> Fit:
    at = moment(event["finished_at"]).replace(microsecond=0)
    labels = {
        "project": event["project"],
        "pipeline": event["pipeline"],
        "run": event["run_id"],
        **{name: event.get(name) for name in ("treatment", "pool", "state", "exit_code")},
    }
    if text is None:
        return Fit(recovery=Recovery(at, labels)) if well else NOTHING
    sample = OccurrenceSample(
        text=text[:_LONGEST_TEXT], time=event["finished_at"], run_id=event["run_id"], treatment=event.get("treatment")
    )
    return Fit((Occurrence(event_id=event["id"], at=at, count=1, labels=labels, sample=sample),))


def _lines_occurrence(event: Event, lines: Sequence[Line], indexes: Sequence[int], at: datetime) -> Occurrence:
    first = lines[indexes[0]]
    text = first["text"][:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    index = event["indexes"][indexes[0]] if "indexes" in event else indexes[0]
    sample = OccurrenceSample(
        text=text,
        time=first["time"],
        run_id=event["run_id"],
        treatment=first["treatment"],
        segment=event["number"],
        index=index,
    )
    return Occurrence(event_id=event["id"], at=at, count=len(indexes), labels=line_labels(event, first), sample=sample)


def _shown(of: str, value: float) -> str:
    return f"{_WORDS[of]} {_amount(of, value)}" if of in _WORDS else f"It used {_amount(of, value)} ({of})"


def _amount(of: str, value: float) -> str:
    if of in _SPANS:
        return f"{value:.1f} s" if value < 600 else f"{value / 60:.1f} min"
    return f"{value:,.0f}"
