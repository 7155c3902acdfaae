"""A policy is parsed once, and a changed one again."""

import json
from typing import Any

import pytest
from ministack.core import iam_evaluator

from cadence.local.ministack import parsed_policies


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}})


def test_a_policy_is_parsed_once_and_a_changed_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Any] = []
    original = iam_evaluator.parse_policy_document

    def parse(document: Any) -> Any:
        parsed.append(document)
        return original(document)

    monkeypatch.setattr(iam_evaluator, "parse_policy_document", parse)
    parsed_policies.install()
    for document in (policy("s3:GetObject"), policy("s3:GetObject"), policy("s3:PutObject")):
        (statement,) = iam_evaluator.parse_policy_document(document)
        assert statement.actions == [json.loads(document)["Statement"]["Action"]]
    assert parsed == [policy("s3:GetObject"), policy("s3:PutObject")]
    for _ in range(2):
        assert iam_evaluator.parse_policy_document(json.loads(policy("s3:GetObject")))
    assert len(parsed) == 4


def test_ministack_still_parses_the_policies_of_a_role_by_that_name() -> None:
    assert "parse_policy_document" in iam_evaluator._gather_role_policies.__code__.co_names
