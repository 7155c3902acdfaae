"""Connections that fail are told in words, never by the names of classes."""

import socket
from typing import Any

import pytest
import urllib3

from cadence.adapters.http.connection_errors import reason_of

# Only its name would be in a message of urllib3.
CONNECTION: Any = urllib3.HTTPSConnectionPool("registry.example")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            urllib3.exceptions.NameResolutionError("registry.example", CONNECTION, socket.gaierror()),
            "its name is not known",
        ),
        (urllib3.exceptions.SSLError("self-signed"), "its certificate is not valid"),
        (urllib3.exceptions.NewConnectionError(CONNECTION, "refused"), "no connection"),
        (urllib3.exceptions.ConnectTimeoutError(), "no answer in time"),
        (urllib3.exceptions.ReadTimeoutError(CONNECTION, "/", "late"), "no answer in time"),
        (urllib3.exceptions.ProtocolError("reset"), "the connection broke"),
        (OSError("gone"), "the connection broke"),
    ],
    ids=["name", "certificate", "refused", "connecting", "reading", "reset", "system"],
)
def test_the_reason_is_told_in_words(error: Exception, told: str) -> None:
    assert reason_of(error) == told
    assert reason_of(urllib3.exceptions.MaxRetryError(CONNECTION, "/", error)) == told
