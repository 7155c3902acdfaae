"""Makes a rule from its document (`schemas/alert-rule/1.json`), which was checked before it was stored."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cadence.domain.alerts.rule import (
    AlertSeverity,
    AnomalyCondition,
    Condition,
    LimitCondition,
    LogCondition,
    Resolution,
    Rule,
    RuleScope,
    RunCondition,
    TreatmentCondition,
    is_of_runs,
)

_DEFAULT_GROUPING = ("project", "pipeline", "treatment")
# The labels of lines, treatments and runs; grouping by any other would make a single group.
_OF_LINES = frozenset({"project", "pipeline", "treatment", "run", "level", "stream", "runner"})
_OF_TREATMENTS = frozenset({"project", "pipeline", "treatment", "run", "pool", "state", "exit_code"})
_OF_RUNS = frozenset({"project", "pipeline", "run", "state"})


def read_rule(
    organization: str, project: str, name: str, document: Mapping[str, Any], *, revision: int = 1, **stored: Any
) -> Rule:
    """Returns the rule. `stored` is what is kept beside the document: `updated_at`, `updated_by`."""
    when = _condition(document["when"])
    resolution = document.get("resolve", {})
    default = Resolution()
    window = timedelta(seconds=document.get("window", 300))
    return Rule(
        organization=organization,
        project=project,
        name=name,
        revision=revision,
        when=when,
        channels=tuple(document["channels"]),
        where=RuleScope(**{key: tuple(patterns) for key, patterns in document.get("where", {}).items()}),
        count=document.get("count", 1),
        window=window,
        group_by=tuple(document.get("group_by", [name for name in _DEFAULT_GROUPING if name in labels_of(when)])),
        cooldown=timedelta(seconds=document.get("cooldown", 900)),
        resolve=Resolution(
            timedelta(seconds=resolution["after"]) if "after" in resolution else max(default.after, window),
            resolution.get("on_recovery", default.on_recovery),
            resolution.get("message", default.message),
        ),
        severity=AlertSeverity(document.get("severity", "error")),
        description=document.get("description", ""),
        enabled=document.get("enabled", True),
        document=document,
        **stored,
    )


def labels_of(when: Condition) -> frozenset[str]:
    """Returns the labels that a rule with this condition may group by."""
    if isinstance(when, LogCondition):
        return _OF_LINES
    return _OF_RUNS if is_of_runs(when) else _OF_TREATMENTS


def _condition(when: Mapping[str, Any]) -> Condition:
    ((kind, settings),) = when.items()
    match kind:
        case "log":
            return LogCondition(settings["query"])
        case "treatment":
            states = frozenset(settings.get("states", ("failed", "lost", "timed_out")))
            return TreatmentCondition(states, frozenset(settings.get("exit_codes", ())), settings.get("cause", ""))
        case "run":
            return RunCondition(frozenset(settings.get("states", ("failed", "timed_out"))), settings.get("cause", ""))
        case "time" | "resource":
            return LimitCondition(settings["of"], float(settings["above"]))
        case _:
            return AnomalyCondition(**settings)
