"""Judges events by the rules of their organization."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cadence.application.alerts.ports import RuleReader
from cadence.application.alerts.queries import matcher
from cadence.application.alerts.unusual import Histories
from cadence.application.alerts.update import UpdateAlert
from cadence.application.logs.ports import Line
from cadence.domain.alerts.judging import fit_of_end, fit_of_lines, may_fit_segment
from cadence.domain.alerts.occurrence import AlertGroup, Fit, Occurrence, group_of
from cadence.domain.alerts.rule import AnomalyCondition, LogCondition, Rule
from cadence.domain.exports.event import Event
from cadence.domain.search.matching import LineOwner


@dataclass(frozen=True, kw_only=True)
class EvaluateEvent:
    """Judges events. Safe to repeat: occurrences and measured values are stored by the event's id.

    Replays are made to be compared, and cause no alerts.
    """

    rules: RuleReader
    update: UpdateAlert
    histories: Histories
    read_segment: Callable[[str], Sequence[Line]]
    is_replay: Callable[[str], bool]

    def evaluate(self, event: Event) -> None:
        """Judges an event by all rules that cover its project.

        Raises Transient if other calls keep changing the same alert.
        """
        rules = [rule for rule in self.rules.list_rules(event["organization"]) if rule.covers(event["project"])]
        if event["kind"] == "segment":
            self._segment(event, [rule for rule in rules if may_fit_segment(rule, event)])
        elif event["replay_of"] is None:
            self._end(event, [rule for rule in rules if not isinstance(rule.when, LogCondition)])

    def _segment(self, event: Event, rules: Sequence[Rule]) -> None:
        if not rules:
            return
        lines = self.read_segment(event["key"])
        owner = LineOwner(event["organization"], event["project"], event["pipeline"], event["run_id"])
        for rule in rules:
            if isinstance(rule.when, LogCondition):
                fit = fit_of_lines(rule, event, lines, partial(matcher(rule.when.query).matches, owner))
                # Checked only where lines fit: hardly any segment belongs to a replay.
                if fit.occurrences and not self.is_replay(event["run_id"]):
                    self._apply(rule, fit)

    def _end(self, event: Event, rules: Sequence[Rule]) -> None:
        for rule in rules:
            self._apply(rule, fit_of_end(rule, event, lambda of: self.histories.earlier(event, of)))
        # Only after all rules were judged by the earlier values.
        for of in {rule.when.of for rule in rules if isinstance(rule.when, AnomalyCondition)}:
            self.histories.learn(event, of)

    def _apply(self, rule: Rule, fit: Fit) -> None:
        groups: dict[AlertGroup, list[Occurrence]] = defaultdict(list)
        for occurrence in fit.occurrences:
            groups[group_of(rule, occurrence.labels)].append(occurrence)
        for group, occurrences in groups.items():
            self.update.happened(rule, group, occurrences)
        if fit.recovery and rule.recovers:
            self.update.recovered(rule, group_of(rule, fit.recovery.labels), fit.recovery.at)
