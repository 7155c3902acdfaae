"""Errors as a state machine catches them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class MachineError:
    """The name and the message of an error that a state machine caught."""

    name: str
    cause: str

    @classmethod
    def caught(cls, error: Mapping[str, str] | None) -> "MachineError | None":
        """Returns the error of a Catch's `{"Error", "Cause"}`; None if there is none.

        The cause of an error that a Lambda raised is JSON: its message is taken.
        """
        if error is None:
            return None
        cause = error.get("Cause", "")
        with suppress(ValueError, KeyError, TypeError):  # the cause is plain text already
            cause = json.loads(cause)["errorMessage"]
        return cls(error["Error"], cause)
