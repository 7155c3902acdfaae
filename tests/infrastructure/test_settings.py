"""What a deployment may be told."""

import aws_cdk
import pytest

from cadence.domain.retention import KEPT
from infra.functions import search_statements
from infra.permissions import SEARCH_SERVICE
from infra.settings import SearchService, read_deployment


def test_nothing_is_kept_longer_than_what_leads_to_it() -> None:
    assert read_deployment(aws_cdk.App(context={"retention_days": KEPT.days}).node).retention_days == KEPT.days
    with pytest.raises(ValueError, match=r"retention_days.* from 1 to 90"):
        read_deployment(aws_cdk.App(context={"retention_days": KEPT.days + 1}).node)


ENDPOINT = "https://search-logs-abc.eu-west-3.es.amazonaws.com"
DOMAIN = "arn:aws:es:eu-west-3:123456789012:domain/logs"
SECRET = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:search-AbCdEf"


def _search(**context: str) -> SearchService:
    return read_deployment(aws_cdk.App(context=context).node).search


def test_lines_are_searched_in_s3_unless_a_domain_is_named() -> None:
    assert _search() == SearchService("", "", "")
    its = _search(search_endpoint=ENDPOINT, search_domain=DOMAIN)
    assert (its.endpoint, its.region) == (ENDPOINT, "eu-west-3")
    assert _search(search_endpoint=ENDPOINT, search_secret=SECRET).region == ""
    assert _search(place="local", search_endpoint="http://127.0.0.1:9200").endpoint == "http://127.0.0.1:9200"


@pytest.mark.parametrize(
    "context",
    [
        {"search_endpoint": ENDPOINT},
        {"search_endpoint": "http://search.example", "search_domain": DOMAIN},
        {"search_endpoint": f"{ENDPOINT}/path", "search_domain": DOMAIN},
        {"search_endpoint": "https://user:secret@search.example", "search_domain": DOMAIN},
        {"search_endpoint": ENDPOINT, "search_domain": DOMAIN, "search_secret": SECRET},
        {"search_endpoint": ENDPOINT, "search_domain": f"{DOMAIN}/*"},
        {"search_endpoint": ENDPOINT, "search_secret": "search"},
        {"search_domain": DOMAIN},
    ],
    ids=str,
)
def test_a_domain_is_named_whole_and_with_how_it_is_asked(context: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="search_"):
        _search(**context)


def test_only_who_searches_or_indexes_may_ask_the_domain_and_only_for_its_indices() -> None:
    deployment = read_deployment(aws_cdk.App(context={"search_endpoint": ENDPOINT, "search_domain": DOMAIN}).node)
    granted = {
        folder: {
            (action, resource)
            for statement in search_statements(deployment, folder)
            for action in statement.actions
            for resource in statement.resources
        }
        for folder in ("live", *SEARCH_SERVICE)
    }
    indices = f"{DOMAIN}/cadence-main-lines.*"
    assert granted == {
        "live": set(),
        "api": {("es:ESHttpPost", f"{indices}/_search")},
        "search_index": {
            ("es:ESHttpPost", f"{DOMAIN}/_bulk"),
            ("es:ESHttpGet", f"{DOMAIN}/_cat/indices/cadence-main-lines.*"),
            ("es:ESHttpPost", indices),
            ("es:ESHttpPut", indices),
            ("es:ESHttpDelete", indices),
        },
    }
    with_secret = read_deployment(aws_cdk.App(context={"search_endpoint": ENDPOINT, "search_secret": SECRET}).node)
    (statement,) = search_statements(with_secret, "api")
    assert (statement.actions, statement.resources) == (["secretsmanager:GetSecretValue"], [SECRET])
