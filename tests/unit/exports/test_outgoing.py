"""Addresses that exports are sent to."""

import pytest

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.outgoing_http import OutgoingHttp
from cadence.domain.shared.errors import Forbidden, InvalidRequest


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://logs.example/push", "https"),
        ("ftp://logs.example", "https"),
        ("https://", "https"),
        ("https://logs.example:99999/", "no URL"),
        ("https://user:secret@logs.example/", "credentials"),
        ("https://169.254.169.254/latest/meta-data", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://10.0.0.1/", "not a public address"),
        ("https://logs.example/#part", "fragment"),
        ("https://logs.example/a b", "space"),
    ],
)
def test_refused_as_they_stand(url: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why) as refused:
        OutgoingHttp(EgressPolicy()).check(url)
    assert refused.value.violations[0].pointer == "/url"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://logs.example/push", "https://8.8.8.8:3100/x?y=z"])
def test_public_ones_may_be_named(url: str) -> None:
    OutgoingHttp(EgressPolicy()).check(url)


def test_named_hosts_may_be_private_and_plain() -> None:
    outgoing = OutgoingHttp(EgressPolicy.of("loki.internal:3100,10.0.0.1"))
    outgoing.check("http://loki.internal:3100/push")
    outgoing.check("https://10.0.0.1/")
    with pytest.raises(InvalidRequest):
        outgoing.check("http://loki.internal:3101/push")


@pytest.mark.parametrize("url", ["https://localhost:1/", "https://127.1:1/", "https://2130706433:1/"])
def test_a_name_that_leads_inside_gets_no_connection(url: str) -> None:
    outgoing = OutgoingHttp(EgressPolicy())
    outgoing.check(url)
    with pytest.raises(Forbidden, match="not a public address"):
        outgoing.post(url, {}, b"")
