"""Why a server cannot be reached, in words: messages of HTTP libraries name their own classes."""

import socket
import ssl

import urllib3.exceptions

_BROKE = "the connection broke"


def reason_of(error: Exception) -> str:
    """Returns the reason of an error of urllib3, for use after "does not answer: "."""
    match getattr(error, "reason", None) or error:
        case urllib3.exceptions.NameResolutionError():
            return "its name is not known"
        case urllib3.exceptions.SSLError():
            return "its certificate is not valid"
        case urllib3.exceptions.NewConnectionError():  # a kind of time-out, too
            return "no connection"
        case urllib3.exceptions.TimeoutError():
            return "no answer in time"
    return _BROKE


def name_does_not_exist(error: Exception) -> bool:
    """Whether an error of urllib3 says for good that there is no such name: a resolver that is busy says otherwise."""
    failure = getattr(error, "reason", None) or error
    cause = failure.__cause__ if isinstance(failure, urllib3.exceptions.NameResolutionError) else None
    return isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME


def reason_of_socket(error: BaseException | None) -> str:
    """Returns the reason of an error of a socket or of TLS, for use after "cannot be used: "."""
    match error:
        case socket.gaierror():
            return "its name is not known"
        case ssl.SSLCertVerificationError():
            return "its certificate is not valid"
        case ssl.SSLError():
            return "the connection cannot be encrypted"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "no connection"
        case ConnectionError():
            return _BROKE
        case OSError() if error.strerror:
            return error.strerror
    return _BROKE
