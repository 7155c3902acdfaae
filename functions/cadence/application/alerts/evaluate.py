"""Events are judged by the rules of their organization."""

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
    """Everything it does may be done twice: what fits is stored by the event's id, and so is what is learnt.

    Replays are there to be compared, and alert nobody.
    """

    rules: RuleReader
    update: UpdateAlert
    histories: Histories
    read_segment: Callable[[str], Sequence[Line]]
    is_replay: Callable[[str], bool]

    def evaluate(self, event: Event) -> None:
        """Raises Transient if others change the same alert again and again."""
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
                fit = fit_of_lines(rule, event, lines, partial(matcher(rule.when.query), owner))
                # Asked only where something fits: hardly any segment is a replay's.
                if fit.occurrences and not self.is_replay(event["run_id"]):
                    self._apply(rule, fit)

    def _end(self, event: Event, rules: Sequence[Rule]) -> None:
        for rule in rules:
            self._apply(rule, fit_of_end(rule, event, lambda of: self.histories.earlier(event, of)))
        # Only after all were judged by what was there before.
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
