"""Policies and expressions are parsed once, and changed ones again."""

import json
from email.utils import formatdate
from typing import Any

import pytest
from ministack import app
from ministack.core import iam_evaluator
from ministack.services import dynamodb

from cadence.local.ministack import parsed_once


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})


@pytest.fixture(autouse=True)
def _uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `install` replaces is as it was after the test."""
    for name in ("parse_policy_document", "fnmatch_iam"):
        monkeypatch.setattr(iam_evaluator, name, getattr(iam_evaluator, name))
    monkeypatch.setattr(app, "formatdate", app.formatdate)
    for name in ("_tokenize", "_condition_syntax_error"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))


def test_a_policy_is_parsed_once_and_a_changed_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Any] = []
    original = iam_evaluator.parse_policy_document

    def parse(document: Any) -> Any:
        parsed.append(document)
        return original(document)

    monkeypatch.setattr(iam_evaluator, "parse_policy_document", parse)
    parsed_once.install()
    for document in (policy("s3:GetObject"), policy("s3:GetObject"), policy("s3:PutObject")):
        (statement,) = iam_evaluator.parse_policy_document(document)
        assert statement.actions == [json.loads(document)["Statement"]["Action"]]
    assert parsed == [policy("s3:GetObject"), policy("s3:PutObject")]
    for _ in range(2):
        assert iam_evaluator.parse_policy_document(json.loads(policy("s3:GetObject")))
    assert len(parsed) == 4


def test_ministack_still_parses_the_policies_of_a_role_by_that_name() -> None:
    assert "parse_policy_document" in iam_evaluator._gather_role_policies.__code__.co_names


CONDITIONS = {
    "attribute_exists(pk) AND #0 = :0": True,
    "NOT (#0 = :0)": False,
    "#0 BETWEEN :0 AND :1": True,
    "#0 IN (:1, :0)": True,
    "attribute_exists(": None,
    "pk = = :0": None,
    "((#0 = :0))": None,
}


def evaluated() -> list[object]:
    """What comes of each condition, for two items."""
    evaluate: Any = dynamodb._evaluate_condition
    values, found = {":0": {"S": "a"}, ":1": {"S": "b"}}, list[object]()
    for item in ({"pk": {"S": "1"}, "name": {"S": "a"}}, {"pk": {"S": "2"}, "name": {"S": "c"}}):
        for condition in CONDITIONS:
            try:
                found.append(evaluate(condition, item, values, {"#0": "name"}))
            except ValueError as error:
                found.append(str(error))
    return found


def test_conditions_mean_the_same() -> None:
    before = evaluated()
    assert [one for one in before[: len(CONDITIONS)] if isinstance(one, bool)] == [
        expected for expected in CONDITIONS.values() if expected is not None
    ]
    parsed_once.install()
    assert evaluated() == before
    assert evaluated() == before


def test_an_update_takes_its_own_tokens() -> None:
    update: Any = dynamodb._apply_update_expression
    parsed_once.install()
    item: dict[str, Any] = {"pk": {"S": "1"}, "n": {"N": "1"}}
    for count in ("2", "3"):
        item = update(item, "SET #0 = :0 ADD n :1", {":0": {"S": "a"}, ":1": {"N": "1"}}, {"#0": "name"})[0]
        assert (item["name"], item["n"]) == ({"S": "a"}, {"N": count})


def test_actions_fit_the_same_patterns() -> None:
    matches: Any = iam_evaluator._action_matches
    cases = [
        (action, patterns)
        for action in ("s3:GetObject", "S3:getobject", "s3:PutObject")
        for patterns in (["s3:Get*"], ["s3:?etObject"], ["*"], ["sqs:*", "s3:PutObject"], [])
    ]
    before = [matches(action, patterns, []) for action, patterns in cases]
    parsed_once.install()
    assert [matches(action, patterns, []) for action, patterns in cases * 2] == before * 2


def test_each_second_has_its_date() -> None:
    now = iter((0.2, 0.9, 1.0, 86_400.5))
    date = parsed_once.once_a_second(formatdate, lambda: next(now))
    assert [date(usegmt=True) for _ in range(4)] == [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:01 GMT",
        "Fri, 02 Jan 1970 00:00:00 GMT",
    ]


def test_ministack_still_dates_answers_by_that_name() -> None:
    (send,) = (one for one in app._with_date_header.__code__.co_consts if hasattr(one, "co_names"))
    assert "formatdate" in send.co_names
