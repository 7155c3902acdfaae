"""A call of a service that MiniStack does not have is answered without reading the models of all services."""

from typing import Any

import botocore.session
import pytest
from ministack.core import router

from cadence.local.ministack import service_names


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `install` replaces is as it was after the test."""
    monkeypatch.setattr(router, "_is_aws_service_name", router._is_aws_service_name)
    service_names.install()


def _named(scope: str) -> Any:
    signed = f"AWS4-HMAC-SHA256 Credential=key/20261130/eu-west-1/{scope}/aws4_request"
    return router.detect_service("POST", "/", {"authorization": signed}, {})


def test_a_service_that_is_not_here_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: Any, **__: Any) -> Any:
        pytest.fail("a model is read")

    monkeypatch.setattr(botocore.session.Session, "get_service_model", read)
    assert (_named("servicequotas"), _named("glacier")) == ("servicequotas", "glacier")


def test_what_is_no_service_is_not() -> None:
    assert _named("bottles") != "bottles"
