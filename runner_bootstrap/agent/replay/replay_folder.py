"""A folder with everything that a treatment needs, its assignment and its inputs, in place of a gateway and a store.

``replay.json`` is ``{"runner_id", "work", "inputs": {port: {"size", "sha256"}}}``; the inputs are ``inputs/<port>``.
The command's outputs become ``outputs/<port>``, and its outcome ``result.json``.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from ..gateway.client import GatewayClient, Request
from ..shared.errors import AgentError
from ..shared.termination import Termination
from ..values.chunks import CHUNK_BYTES, EMPTY_SHA256, ChunkBuffer, ChunkStore

Json = dict[str, Any]
DOWNLOADS = 8


class ReplayFolder:
    """The folder, read once. Raises AgentError if it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        try:
            content = json.loads((self.folder / "replay.json").read_text("utf-8"))
            self.runner_id: str = content["runner_id"]
            self.work: Json = content["work"]
            self.inputs: dict[str, Json] = content["inputs"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AgentError(f"{folder} is no folder to replay from: {type(error).__name__} {error}") from error

    def input(self, port: str) -> Path:
        """Returns the file of an input."""
        return self.folder / "inputs" / port

    def output(self, port: str) -> Path:
        """Returns the file of an output."""
        return self.folder / "outputs" / port

    def part(self, port: str, seq: int) -> Path:
        """Returns the file of one chunk of an output."""
        return self.folder / "parts" / port / f"{seq:012}"

    def clear(self) -> None:
        """Removes the results of an earlier replay."""
        for name in ("outputs", "parts"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "result.json").unlink(missing_ok=True)
        (self.folder / "outputs").mkdir()


class FolderStore(ChunkStore):
    """Chunks of the folder's files; a URL is ``<port>/<number>``."""

    def __init__(self, folder: ReplayFolder, termination: Termination) -> None:
        super().__init__(termination)
        self._folder = folder

    def get(self, url: str, chunk: ChunkBuffer) -> bool:
        port, _, seq = url.partition("/")
        with self._folder.input(port).open("rb", buffering=0) as file:
            file.seek(int(seq) * CHUNK_BYTES)
            chunk.fill(file)
        return True

    def put(self, url: str, headers: Mapping[str, str], content: memoryview) -> None:
        port, _, seq = url.partition("/")
        path = self._folder.part(port, int(seq))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class FolderGateway(GatewayClient):
    """Answers as the gateway would. Prints log lines to standard error; ``result`` is the outcome."""

    def __init__(self, folder: ReplayFolder) -> None:
        super().__init__("http://localhost", "none")
        self._folder = folder
        self.result: Json = {}
        self.sent: dict[str, Json] = {}

    def runner(self, runner_id: str, what: str) -> str:
        return what

    def call(
        self,
        path: str,
        body: Request,
        patience: float = float("inf"),
        timeout: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Json:
        body = body() if callable(body) else body
        what, _, name = path.partition("/")
        if what == "logs":
            return self._print(body["block"])
        if what == "inputs":
            return self._input(name, body)
        if what == "outputs" and name:
            return self._output(name, body)
        if what == "outputs":
            return {"outputs": {port: self._output(port, request) for port, request in body["outputs"].items()}}
        if what == "complete":
            self.result = body
            return {}
        return _OTHERWISE[path]

    def save(self) -> None:
        """Writes the outcome and the digests of the outputs to ``result.json``."""
        text = json.dumps({**self.result, "outputs": self.sent}, indent=1)
        (self._folder.folder / "result.json").write_text(text, "utf-8")

    @staticmethod
    def _print(block: Json) -> Json:
        text, through = io.BytesIO(zlib.decompress(base64.b64decode(block["text"]))), block["first"] - 1
        for span in block["spans"]:
            print(text.read(span["bytes"]).decode(), file=sys.stderr)
            through += span["lines"]
        sys.stderr.flush()
        return {"accepted_through": through, "follow": True}

    def _input(self, port: str, body: Json) -> Json:
        known = self._folder.inputs.get(port) or {"size": 0, "sha256": EMPTY_SHA256}
        chunks = -(-known["size"] // CHUNK_BYTES)
        first = body["next_seq"]
        return {
            "epoch": 1,
            "state": "ended",
            "end": {"size": known["size"], "sha256": known["sha256"], "chunks": chunks},
            "downloads": [{"seq": seq, "url": f"{port}/{seq}"} for seq in range(first, min(first + DOWNLOADS, chunks))],
            "retry_after": 0,
        }

    def _output(self, port: str, body: Json) -> Json:
        if body["end"]:
            self._join(port, body["end"])
        first = body["next_seq"]
        uploads = [
            {"seq": seq, "url": f"{port}/{seq}", "headers": {}} for seq in range(first, first + len(body["wanted"]))
        ]
        return {"uploads": uploads, "retry_after": 0}

    def _join(self, port: str, end: Json) -> None:
        """Joins the chunks of an output to one file. Safe to repeat."""
        if port in self.sent:
            return
        with self._folder.output(port).open("wb") as joined:
            for seq in range(end["chunks"]):
                with self._folder.part(port, seq).open("rb") as part:
                    shutil.copyfileobj(part, joined)
        self.sent[port] = {"size": end["size"], "sha256": end["sha256"]}


_OTHERWISE: dict[str, Json] = {
    "heartbeat": {"cancel": None, "follow": True, "inputs": {}},
    # Caches change from day to day, and those of a replay must not be used elsewhere.
    "cache/find": {"found": None},
    "cache/save": {"entry": None, "refused": "a replay saves no caches"},
}
