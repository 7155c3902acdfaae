"""A session of `requests` within the reach of the installation, for hosts that pools name."""

import pytest
import requests

from cadence.adapters.http.egress_policy import EgressPolicy
from cadence.adapters.http.guarded_session import guarded_session
from tests.fakes.answering import Asked, Reply, answering


def test_a_host_that_the_installation_names_is_reached() -> None:
    with answering(lambda _: Reply(200, {"ok": True})) as url:
        assert guarded_session(EgressPolicy.of("127.0.0.1")).get(url, timeout=120).json() == {"ok": True}


@pytest.mark.parametrize("reach", [EgressPolicy(), EgressPolicy.of("git.example")])
def test_no_other_one_within_is(reach: EgressPolicy) -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Reply:
        asked.append(request)
        return Reply()

    with answering(answer) as url, pytest.raises(requests.exceptions.InvalidURL, match="not a public address"):
        guarded_session(reach).get(url, timeout=5)
    assert not asked


def test_nothing_of_the_surroundings_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(lambda _: Reply(200, {})) as url:
        assert guarded_session(EgressPolicy.of("127.0.0.1")).get(url, timeout=120).status_code == 200
