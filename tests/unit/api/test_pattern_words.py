"""Violations of patterns are told in words, without the regular expression or the value that was sent."""

import re
from ast import literal_eval
from typing import Annotated

import pytest
from pydantic import StringConstraints

from api.endpoint import Model
from api.openapi import document
from api.reading import read_query
from api.routes import GROUPS
from api.routes.logs.logs import LogQuery
from api.routes.search.search import CountsQuery
from api.shapes import PROJECT_OR_ALL_PATTERN, Name, ProjectOrAll
from cadence.domain.shared.errors import InvalidRequest

ODD = r"^odd[a-z]+\d$"


class Sent(Model):
    name: Name = "some"
    project: ProjectOrAll = "*"
    one: Annotated[str, StringConstraints(pattern=r"^(runs:read|\*)$")] = "*"
    odd: Annotated[str, StringConstraints(pattern=ODD)] = "oddly1"


@pytest.mark.parametrize(
    ("model", "query", "message"),
    [
        (Sent, "name=Secret!", "Must begin with a lower-case letter"),
        (Sent, "project=Secret!", "or be `*` for all projects."),
        (Sent, "one=Secret!", "Must be one of `runs:read`, `*`."),
        (Sent, "odd=Secret!", "the description of the API at /v1/openapi.json has it."),
        (LogQuery, "level=Secret!", "`error`, `warning`, `info`, `debug`, or up to 4 of them, separated by commas"),
        (CountsQuery, "q=x&by=Secret!", "`organization`, `project`, `pipeline`"),
    ],
)
def test_a_pattern_is_told_in_words(model: type[Model], query: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_query(model, query)
    (violation,) = refused.value.violations
    assert message in violation.message
    assert violation.code == "string_pattern_mismatch"
    assert not {"^", "Secret!"} & {*violation.message, *violation.message.split()}


def test_a_project_or_all_is_spelled_in_one_way() -> None:
    patterns = re.findall(r"'pattern': ('.*?'|\".*?\")[,}]", str(document(GROUPS)))
    spelled = {literal_eval(each) for each in patterns}
    both = {each for each in spelled if all(re.search(each, text) for text in ("*", "shop")) and "a-z" in each}
    assert {each for each in both if not re.search(each, "Shop !")} == {PROJECT_OR_ALL_PATTERN}
