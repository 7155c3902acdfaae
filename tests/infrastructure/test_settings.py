"""What a deployment may be told.

The CDK is imported where it is used: it starts Node and takes seconds, and every worker of a test run collects this.
"""

from typing import Any

import pytest

from cadence.domain.shared.retention import KEPT
from cadence.domain.values.value_retention import bucket_regions
from cadence.local.shared.region import REGION
from infra.deployment import Deployment, SearchService, read_deployment
from infra.lambdas import LAMBDAS


def _deployment(**context: Any) -> Deployment:
    import aws_cdk

    return read_deployment(aws_cdk.App(context=context).node)


def test_nothing_is_kept_longer_than_what_leads_to_it() -> None:
    assert _deployment(retention_days=KEPT.days).retention_days == KEPT.days
    with pytest.raises(ValueError, match=r"retention_days.* from 1 to 90"):
        _deployment(retention_days=KEPT.days + 1)


@pytest.mark.parametrize("stage", ["main-alert", "Main", "1st", "s" * 17, "a_b"])
def test_a_stage_has_letters_and_digits_only(stage: str) -> None:
    """With hyphens, resources of two stages could have the same name."""
    with pytest.raises(ValueError, match=r"context 'stage' is .*: use up to 16 lower-case letters and digits"):
        _deployment(stage=stage)


def _stream(**context: str) -> dict[str, Any]:
    import aws_cdk
    from aws_cdk.assertions import Template

    from infra.log_stream_stack import LogStreamStack

    app = aws_cdk.App(context=context)
    stack = LogStreamStack(app, "Stream", read_deployment(app.node))
    (found,) = Template.from_stack(stack).find_resources("AWS::Kinesis::Stream").values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_the_log_stream_has_one_shard_or_as_many_as_the_load_needs() -> None:
    fixed, following = _stream(), _stream(log_capacity="on-demand")
    assert (fixed["ShardCount"], fixed.get("StreamModeDetails")) == (1, None)
    assert (following.get("ShardCount"), following["StreamModeDetails"]) == (None, {"StreamMode": "ON_DEMAND"})
    assert fixed["StreamEncryption"] == following["StreamEncryption"]
    with pytest.raises(ValueError, match="log_capacity"):
        _stream(log_capacity="two")
    with pytest.raises(ValueError, match="log_capacity"):
        _stream(log_capacity="on-demand", place="local")


def test_concurrency_is_reserved_only_where_a_deployment_says_how_much() -> None:
    def reserved(**context: str) -> int | None:
        return _deployment(**context).reserved_concurrency

    assert reserved() is None
    assert reserved(reserved_concurrency="20") == 20
    for wrong in ("0", "-1", "many", "10000"):
        with pytest.raises(ValueError, match="reserved_concurrency"):
            reserved(reserved_concurrency=wrong)
    assert {folder for folder, row in LAMBDAS.items() if row.reserves_concurrency} == {"settle", "watchdog"}


ENDPOINT = "https://search-logs-abc.eu-west-3.es.amazonaws.com"
DOMAIN = "arn:aws:es:eu-west-3:123456789012:domain/logs"
SECRET = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:search-AbCdEf"


def _search(**context: str) -> SearchService:
    return _deployment(**context).search


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
    from infra.functions import search_statements

    deployment = _deployment(search_endpoint=ENDPOINT, search_domain=DOMAIN)
    granted = {
        folder: {
            (action, resource)
            for statement in search_statements(deployment, row)
            for action in statement.actions
            for resource in statement.resources
        }
        for folder, row in LAMBDAS.items()
    }
    indices = f"{DOMAIN}/cadence-main-lines.*"
    assert {folder: found for folder, found in granted.items() if found} == {
        "api": {("es:ESHttpPost", f"{indices}/_search")},
        "search_index": {
            ("es:ESHttpPost", f"{DOMAIN}/_bulk"),
            ("es:ESHttpGet", f"{DOMAIN}/_cat/indices/cadence-main-lines.*"),
            ("es:ESHttpPost", indices),
            ("es:ESHttpPut", indices),
            ("es:ESHttpDelete", indices),
        },
        "delete_projects": {
            ("es:ESHttpGet", f"{DOMAIN}/_cat/indices/cadence-main-lines.*"),
            ("es:ESHttpPost", indices),
            ("es:ESHttpDelete", indices),
        },
    }
    with_secret = _deployment(search_endpoint=ENDPOINT, search_secret=SECRET)
    (statement,) = search_statements(with_secret, LAMBDAS["api"])
    assert (statement.actions, statement.resources) == (["secretsmanager:GetSecretValue"], [SECRET])


def test_values_may_be_kept_in_the_buckets_that_are_named_with_their_regions() -> None:
    def named(**context: str) -> str:
        return _deployment(**context).value_buckets

    assert named() == ""
    assert named(place="local") == f"cadence-main-elsewhere={REGION}"
    two = "acme-values-eu=eu-central-1,acme-values-us=us-gov-west-1"
    assert named(value_buckets=two) == two
    assert bucket_regions(two) == {"acme-values-eu": "eu-central-1", "acme-values-us": "us-gov-west-1"}
    for wrong in ("acme-values", "acme-values=here", "A=eu-west-1", "a-b=eu-west-1,a-b=us-east-1", "*=eu-west-1"):
        with pytest.raises(ValueError, match="value_buckets"):
            named(value_buckets=wrong)


def test_only_who_has_to_do_with_values_may_use_their_buckets_and_each_for_what_it_does() -> None:
    from infra.functions import value_bucket_statements

    deployment = _deployment(value_buckets="theirs=eu-central-1")
    granted = {
        folder: {
            (action.removeprefix("s3:"), resource.partition(":s3:::")[2])
            for statement in value_bucket_statements(deployment, row)
            for action in statement.actions
            for resource in statement.resources
        }
        for folder, row in LAMBDAS.items()
    }
    listing = ("ListBucket", "theirs")
    removing = {listing, ("DeleteObject", "theirs/runs/*")}
    assert {folder: found for folder, found in granted.items() if found} == {
        "api": {
            listing,
            ("GetLifecycleConfiguration", "theirs"),
            ("GetObject", "theirs/runs/*"),
            ("GetObject", "theirs/splits/*"),
            *((f"{what}Object", "theirs/probe/*") for what in ("Get", "Put", "Delete")),
        },
        "runner_gateway": {
            listing,
            *((f"{what}Object", f"theirs/{kind}/*") for what in ("Get", "Put") for kind in ("runs", "caches")),
            ("DeleteObject", "theirs/caches/*"),
        },
        "act": {listing, ("GetObject", "theirs/runs/*"), ("PutObject", "theirs/runs/*")},
        "delete_projects": {
            listing,
            ("ListBucketVersions", "theirs"),
            *(
                (f"DeleteObject{what}", f"theirs/{kind}/*")
                for what in ("", "Version")
                for kind in ("runs", "splits", "caches")
            ),
        },
        # Lines: as the gateway stored them, as segments, and as splits of the index.
        "log_indexer": removing | {(f"{what}Object", "theirs/runs/*") for what in ("Get", "Put")},
        "live": {listing, ("GetObject", "theirs/runs/*")},
        "search_index": {
            listing,
            ("GetObject", "theirs/runs/*"),
            *((f"{what}Object", "theirs/splits/*") for what in ("Get", "Put", "Delete")),
        },
        "watchdog": removing,
        # What a legal hold covers is copied onto itself.
        "retention": removing | {(f"{what}Object", "theirs/runs/*") for what in ("Get", "Put")},
    }
    nothing = _deployment()
    assert [row.folder for row in LAMBDAS.values() if value_bucket_statements(nothing, row)] == []


def _audit_bucket(**context: str) -> tuple[dict[str, Any], list[Any]]:
    """Returns the locked bucket's properties by type of resource, and what the Lambda's role may do there."""
    import aws_cdk
    from aws_cdk.assertions import Template

    from infra.functions import audit_archive_statements
    from infra.rooms.access import AccessRoom
    from infra.shared import create_shared

    app = aws_cdk.App(context=context)
    stack, deployment = aws_cdk.Stack(app, "Main"), read_deployment(app.node)
    shared = create_shared(stack, deployment)
    room = AccessRoom(shared)
    rights = audit_archive_statements(deployment, shared.resources, LAMBDAS["seal_audit"])
    assert bool(room.settings()["audit_bucket"]) == bool(rights)
    assert audit_archive_statements(deployment, shared.resources, LAMBDAS["api"]) == []
    buckets = Template.from_stack(stack).find_resources("AWS::S3::Bucket", {"DeletionPolicy": "Retain"})
    locked = [bucket for bucket in buckets.values() if bucket["Properties"].get("ObjectLockEnabled")]
    return locked[0]["Properties"] if locked else {}, [statement.to_statement_json() for statement in rights]


def test_the_audit_log_has_a_locked_bucket_only_where_a_deployment_says_so() -> None:
    assert _audit_bucket() == ({}, [])
    bucket, (right,) = _audit_bucket(audit_lock="compliance", audit_lock_days="2555")
    rule = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "COMPLIANCE", "Days": 2555}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert right["Action"] == "s3:PutObject"


def test_a_lock_that_cannot_be_is_named() -> None:
    for context in ({"audit_lock": "forever"}, {"audit_lock_days": "0"}, {"audit_lock_days": "40000"}):
        (key,) = context
        with pytest.raises(ValueError, match=key):
            _deployment(**context)


def _source_rights(folder: str = "runner_gateway", **context: str) -> list[dict[str, Any]]:
    import aws_cdk

    from infra.functions import secret_source_statements

    deployment = _deployment(**context)
    statements = secret_source_statements(deployment, LAMBDAS[folder])
    stack = aws_cdk.Stack()
    rights: list[dict[str, Any]] = stack.resolve([statement.to_statement_json() for statement in statements])
    return rights


def test_secrets_elsewhere_are_read_only_below_the_prefixes_of_the_deployment_and_only_where_they_are_needed() -> None:
    prefixes = {"secrets_manager_prefix": "cadence/", "parameter_store_prefix": "/cadence/"}
    assert _source_rights() == []
    readers = {row.folder for row in LAMBDAS.values() if _source_rights(row.folder, **prefixes)}
    assert readers == {"runner_gateway", "admit"}
    assert {"secretsmanager", "ssm"} <= LAMBDAS["runner_gateway"].called_services
    rights = _source_rights(**prefixes)
    assert [right["Action"] for right in rights] == [
        "secretsmanager:GetSecretValue", "kms:Decrypt", "ssm:GetParameter", "kms:Decrypt",
    ]  # fmt: skip
    secrets, its_keys, parameters, their_keys = rights
    assert secrets["Resource"]["Fn::Join"][1][-1] == ":secret:cadence/*"
    assert parameters["Resource"]["Fn::Join"][1][-1] == ":parameter/cadence/*"
    for keys, context, resource in ((its_keys, "SecretARN", secrets), (their_keys, "PARAMETER_ARN", parameters)):
        assert keys["Condition"]["StringLike"] == {f"kms:EncryptionContext:{context}": resource["Resource"]}
        assert set(keys["Condition"]["StringEquals"]) == {"kms:ViaService"}
    assert len(_source_rights(secrets_manager_prefix="cadence/")) == 2


def test_a_prefix_that_would_allow_more_than_it_says_is_refused() -> None:
    for key, wrong in (
        ("secrets_manager_prefix", ("cadence", "*", "a*/", "/", "/cadence/")),
        ("parameter_store_prefix", ("/cadence", "cadence/", "/", "/*/", "//")),
    ):
        for prefix in wrong:
            with pytest.raises(ValueError, match=key):
                _deployment(**{key: prefix})
