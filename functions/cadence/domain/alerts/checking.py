"""Checks a rule's document before it is stored. Separate from reading, since only the API needs the validator."""

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
"""The JSON pointer to a rule in a request's body."""

CheckQuery = Callable[[str], None]
"""A function that raises InvalidRequest for text that is no search query."""


def check_rule(
    organization: str, project: str, name: str, document: Mapping[str, Any], check_query: CheckQuery
) -> Rule:
    """Returns the rule that the document describes.

    Raises InvalidRequest with every violation, whose pointers begin with `PLACE`.
    """
    violations = list(_violations(document))
    if violations:
        raise InvalidRequest("The alert rule is not valid.", violations)
    rule = read_rule(organization, project, name, document)
    labels = labels_of(rule.when)
    unknown_labels = [label for label in rule.group_by if label not in labels]
    if unknown_labels:
        message = f"This rule cannot group by {' or '.join(unknown_labels)}. Choose from: {', '.join(sorted(labels))}."
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
        yield Violation(PLACE + place, _message(error, place), error.kind.name)


def _message(error: ValidationError, pointer: str) -> str:
    """Returns the message of a violation, with at most a short quotation of the document."""
    if pointer == "/when" and error.kind.name in {"maxProperties", "minProperties"}:
        return f"Give exactly one of: {', '.join(schema('alert-rule')['properties']['when']['properties'])}."
    return error.message[:300]
