"""An error as a state machine caught it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class MachineError:
    name: str
    cause: str

    @classmethod
    def caught(cls, error: Mapping[str, str] | None) -> "MachineError | None":
        """From a Catch's `{"Error", "Cause"}`. The cause of an error that a Lambda raised is JSON: its message is taken."""
        if error is None:
            return None
        cause = error.get("Cause", "")
        with suppress(ValueError, KeyError, TypeError):  # plain words already
            cause = json.loads(cause)["errorMessage"]
        return cls(error["Error"], cause)
