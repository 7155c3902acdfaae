"""The file with the treatment's identity token, which is renewed while the command runs."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any, Callable

from ..assignments.assignment import Assignment
from ..execution.workspace import Workspace
from ..logs.buffer import LogBuffer
from ..logs.masking import Masker
from ..shared.errors import AgentError, GatewayError, Stopped

#: The variable with the token of the claim, which stays as it is.
TOKEN_VARIABLE = "CADENCE_ID_TOKEN"
#: The variable with the path of the file.
FILE_VARIABLE = "CADENCE_ID_TOKEN_FILE"
#: The file's name among the outputs; no port's name has a dot.
_FILE = "id-token.jwt"
#: The part of a token's life after which the next one is requested.
_RENEWED_AFTER = 0.75

Call = Callable[[str, dict[str, Any]], dict[str, Any]]


class IdTokenFile:
    """Keeps the file up to date from a thread of its own, until it is closed.

    ``call`` sends a request of this runner. Each new token is masked before it is written.
    """

    def __init__(
        self, assignment: Assignment, workspace: Workspace, call: Call, masker: Masker, log: LogBuffer
    ) -> None:
        self._workspace, self._call, self._masker, self._log = workspace, call, masker, log
        self._path = workspace.outputs / _FILE
        self._closed, self._writing = threading.Event(), threading.Lock()
        self._token = assignment.secrets.get(TOKEN_VARIABLE)
        self._longest = assignment.max_duration
        self._thread = threading.Thread(target=self._renew, name="id-token", daemon=True)

    def open(self) -> dict[str, str]:
        """Writes the file, if there is a token, and returns the variable with its path. Raises AgentError."""
        if not self._token:
            return {}
        try:
            self._write(self._token)
        except OSError as error:
            raise AgentError(f"the file for the identity token cannot be written: {error.strerror}") from error
        self._thread.start()
        return {FILE_VARIABLE: str(self._path)}

    def close(self) -> None:
        """Ends the renewal; nothing is written afterwards. The file goes with the workspace."""
        with self._writing:
            self._closed.set()
        self._token = None

    def _renew(self) -> None:
        lifetime = lifetime_of(self._token)
        # The first one lives as long as the treatment may take, where that is less than an hour.
        if self._longest and lifetime >= self._longest:
            return
        while not self._closed.wait(lifetime * _RENEWED_AFTER):
            try:
                token = str(self._call("identity", {})["token"])
            except Stopped:
                return
            except (GatewayError, KeyError) as error:
                self._log.say(f"the identity token is not renewed: {error}", "warning")
                return
            self._masker.add(token)
            try:
                with self._writing:
                    if self._closed.is_set():
                        return
                    self._write(token)
            except OSError as error:
                self._log.say(f"the new identity token cannot be written to {self._path}: {error.strerror}", "warning")
            lifetime = lifetime_of(token)

    def _write(self, token: str) -> None:
        self._workspace.held_outputs.replace_file(_FILE, token.encode())


def lifetime_of(token: str | None) -> float:
    """Returns for how many seconds a token was issued, whatever the clock of this machine shows; an hour if unknown."""
    try:
        payload = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return max(1.0, float(claims["exp"]) - float(claims["iat"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return 3600.0
