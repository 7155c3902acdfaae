"""Checks a rule's document before it is stored. Apart from reading it, since only the API needs the validator."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from cadence.domain.alerts.reading import labels_of, read_rule
from cadence.domain.alerts.rule import LogCondition, Rule
from cadence.domain.shared.errors import InvalidRequest, Violation
from cadence.domain.shared.json_pointer import pointer
from cadence.domain.shared.schemas import schema

PLACE = "/rule"
"""Where a rule stands in a request's body."""

CheckQuery = Callable[[str], None]
"""Raises InvalidRequest for what is no search query."""


def check_rule(
    organization: str, project: str, name: str, document: Mapping[str, Any], check_query: CheckQuery
) -> Rule:
    """The rule that the document describes. Raises InvalidRequest with every violation, whose pointers begin with `PLACE`."""
    violations = list(_violations(document))
    if violations:
        raise InvalidRequest("The alert rule is not valid.", violations)
    rule = read_rule(organization, project, name, document)
    labels = labels_of(rule.when)
    wrong = [label for label in rule.group_by if label not in labels]
    if wrong:
        message = f"What this rule looks for has no {' or '.join(wrong)}. It has: {', '.join(sorted(labels))}."
        raise InvalidRequest("The alert rule is not valid.", [Violation(f"{PLACE}/group_by", message, "no_such_label")])
    if isinstance(rule.when, LogCondition):
        check_query(rule.when.query)
    return rule


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(schema("alert-rule"))


def _violations(document: Mapping[str, Any]) -> Iterator[Violation]:
    for error in _validator().iter_errors(dict(document)):
        place = pointer(error.instance_path)
        yield Violation(PLACE + place, _told(error, place), error.kind.name)


def _told(error: ValidationError, pointer: str) -> str:
    """What is wrong, without quoting more than a little of it."""
    if pointer == "/when" and error.kind.name in {"maxProperties", "minProperties"}:
        return f"Say exactly one of: {', '.join(schema('alert-rule')['properties']['when']['properties'])}."
    return error.message[:300]
