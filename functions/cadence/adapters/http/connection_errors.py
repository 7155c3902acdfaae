"""Why a server cannot be reached, in words: messages of HTTP libraries name their own classes."""

import urllib3.exceptions


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
    return "the connection broke"
