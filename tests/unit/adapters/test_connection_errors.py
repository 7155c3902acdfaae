"""Connections that fail are told in words, never by the names of classes."""

import smtplib
import socket
import ssl
from typing import Any

import jwt
import pytest
import urllib3
from ldap3.core import exceptions as ldap_errors

from cadence.adapters.http.connection_errors import reason_of, reason_of_socket
from cadence.adapters.http.oidc_tokens import reason_of_token
from cadence.adapters.ldap.ldap_connection import reason_of_ldap

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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(-2, "unknown"), "its name is not known"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "its certificate is not valid"),
        (ssl.SSLError(1, "wrong version"), "the connection cannot be encrypted"),
        (TimeoutError("late"), "no answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "no connection"),
        (ConnectionResetError(104, "reset"), "the connection broke"),
        (smtplib.SMTPServerDisconnected("gone"), "the connection broke"),
        (OSError(113, "No route to host"), "No route to host"),
    ],
    ids=["name", "certificate", "tls", "late", "refused", "reset", "closed", "route"],
)
def test_errors_of_sockets_and_mail_servers_are_told_in_words(error: Exception, told: str) -> None:
    assert reason_of_socket(error).startswith(told)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ldap_errors.LDAPSocketOpenError("invalid server address"), "no connection"),
        (ldap_errors.LDAPSocketOpenError("socket ssl wrapping error: certificate verify failed"), "its certificate"),
        (ldap_errors.LDAPSocketOpenError("socket connection error: timed out"), "no answer in time"),
        (ldap_errors.LDAPStartTLSError("startTLS failed"), "the connection cannot be encrypted with StartTLS"),
        (ldap_errors.LDAPResponseTimeoutError("no response"), "no answer in time"),
        (ldap_errors.LDAPInvalidCredentialsResult(result=49, description="x"), "the name or the password is wrong"),
        (ldap_errors.LDAPBusyResult(result=51, description="busy"), "it answers busy"),
        (ConnectionRefusedError(111, "Connection refused"), "no connection"),
    ],
    ids=["open", "certificate", "late", "starttls", "answer", "credentials", "busy", "refused"],
)
def test_errors_of_directories_are_told_in_words(error: Exception, told: str) -> None:
    assert reason_of_ldap(error).startswith(told)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (jwt.ExpiredSignatureError("x"), "it has expired"),
        (jwt.InvalidAudienceError("x"), "it is for another audience"),
        (jwt.MissingRequiredClaimError("exp"), "it has no claim exp"),
        (jwt.DecodeError("x"), "it cannot be read"),
    ],
    ids=["expired", "audience", "claim", "unreadable"],
)
def test_refused_identity_tokens_are_told_in_words(error: Exception, told: str) -> None:
    assert reason_of_token(error) == told
