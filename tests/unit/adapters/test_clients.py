"""Clients of AWS, and what forks of a process need not read again."""

from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.loaders import JSONFileLoader
from moto.core.botocore_stubber import MockRawResponse

from cadence.adapters.aws import clients

KEY = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has made no client yet."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    session = clients._session.__wrapped__()
    monkeypatch.setattr(clients, "_session", lambda: session)
    monkeypatch.setattr(clients, "client", clients.client.__wrapped__)
    monkeypatch.setattr(clients, "REGION", "eu-west-1")


def test_a_client_reads_nothing_that_was_read_before(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load = JSONFileLoader.load_file

    def noting(self: JSONFileLoader, path: str) -> Any:
        content = load(self, path)
        if content is not None:
            read.append(Path(path).name)
        return content

    monkeypatch.setattr(JSONFileLoader, "load_file", noting)
    clients.read_descriptions("sqs")
    assert {"service-2", "endpoints", "partitions"} <= set(read)
    read.clear()

    client = clients.client("sqs")

    assert read == []
    assert client._request_signer._credentials.access_key == KEY


def test_a_client_has_the_credentials_that_came_after(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.read_descriptions("sqs")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAANOTHER")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    client = clients.client("sqs")

    assert client._request_signer._credentials.access_key == "AKIAANOTHER"
    assert client.meta.endpoint_url == "http://127.0.0.1:9"


@pytest.mark.parametrize(("application", "named"), [(None, "cadence"), ("build-7", "cadence app/build-7")])
def test_a_request_names_the_product_and_its_application_and_not_its_machine(
    anew: None, monkeypatch: pytest.MonkeyPatch, application: str | None, named: str
) -> None:
    if application:
        monkeypatch.setenv("AWS_SDK_UA_APP_ID", application)
    client = clients.client("sqs")
    sent: list[str] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        agent = request.headers["User-Agent"]
        sent.append(agent if isinstance(agent, str) else agent.decode())
        return AWSResponse(request.url, 200, HTTPHeaders(), MockRawResponse(b"{}"))

    client.meta.events.register("before-send", answer)
    client.list_queues()

    # Powertools, where it is imported, adds its version.
    assert [agent.partition(" PT/")[0] for agent in sent] == [named]
