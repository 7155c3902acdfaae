"""Replays a treatment on this machine: a folder with its inputs and work, and the agent that runs it from there."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cadence.cli.client.client import Client
from cadence.cli.shared.agent import agent_command
from cadence.cli.shared.output import err
from cadence.domain.pipelines.specification import REPORTS_PORT, OutputSpec
from cadence.domain.replay.clues import ExecutionSite
from cadence.domain.replay.kinds import Execution, guesses
from cadence.domain.replay.moments import Stretch
from cadence.domain.replay.verdict import (
    NOTHING,
    OutputContrast,
    OutputDigest,
    ReplayVerdict,
    contrasted,
    evidence,
    verdict,
)
from cadence.domain.shared import ids

LONGEST_COMPARED = 256 * 1024 * 1024
_PIECE = 1024 * 1024
# The outcomes of the agent that a treatment's state has another word for.
_STATES = {"infrastructure": "lost", "interrupted": "lost"}
_INCONCLUSIVE = frozenset({"lost", "cancelled", "skipped"})


@dataclass
class LocalReplayError(Exception):
    """The treatment cannot be replayed on this machine. `wrong_use`: with other options it could be."""

    message: str
    wrong_use: bool = False

    def __str__(self) -> str:
        return self.message


def parse_secrets(options: Sequence[str]) -> Mapping[str, str]:
    """Secrets by variable, from `VARIABLE=VALUE`, or from the environment for `VARIABLE` alone.

    Raises LocalReplayError.
    """
    found = {}
    for option in options:
        variable, equals, value = option.partition("=")
        if not equals and variable not in os.environ:
            message = f"--secret {variable}: there is no such variable in your environment; give {variable}=VALUE."
            raise LocalReplayError(message, wrong_use=True)
        found[variable] = value if equals else os.environ[variable]
    return found


def write_kit(client: Client, kit: Any, folder: Path) -> None:
    """Writes the folder of a replay: the work and the inputs, without secrets."""
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    work = kit["work"]
    for given in kit["inputs"]:
        with (folder / "inputs" / given["port"]).open("wb") as file:
            for piece in client.read_value(given["run_id"], given["sha256"]):
                file.write(piece)
    content = {
        "runner_id": ids.runner_id(work["run_id"], work["treatment"], work["attempt"]),
        "work": work,
        "inputs": {given["port"]: {"size": given["size"], "sha256": given["sha256"]} for given in kit["inputs"]},
    }
    (folder / "replay.json").write_text(json.dumps(content, indent=1))


def replay_here(client: Client, run_id: str, treatment: str, secrets: Mapping[str, str], *, shell: bool) -> Any:
    """Runs the treatment on this machine; returns the comparison in the shape of the API. Raises LocalReplayError."""
    kit = client.replay_kit(run_id, treatment)
    missing = sorted(kit["secrets"].keys() - secrets.keys())
    if missing:
        listed = ", ".join(f"{variable} (the secret {kit['secrets'][variable]})" for variable in missing)
        options = " ".join(f"--secret {variable}" for variable in missing)
        message = (
            f"The treatment uses secrets, which the API does not return: {listed}. Give your own values: {options}=…"
        )
        raise LocalReplayError(message, wrong_use=True)
    for unlike in kit["unlike"]:
        err.print(f"note: {unlike}", markup=False)
    with tempfile.TemporaryDirectory(prefix="cadence-replay-") as name:
        folder = Path(name)
        write_kit(client, kit, folder)
        _run_agent(folder, {variable: secrets[variable] for variable in kit["secrets"]}, shell=shell)
        try:
            result = json.loads((folder / "result.json").read_text())
        except OSError:
            raise LocalReplayError("The agent ended without a result; its output is above.") from None
        return {**_compared(client, kit, result, folder), "treatment": treatment}


def _run_agent(folder: Path, secrets: Mapping[str, str], *, shell: bool) -> None:
    argv = agent_command("replay", str(folder), *(["--shell"] if shell else []))
    reading, writing = os.pipe()
    try:
        argv += ["--secrets-fd", str(reading)]
        process = subprocess.Popen(argv, pass_fds=(reading,))
    finally:
        os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        json.dump(dict(secrets), pipe)
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            continue  # the agent receives the interrupt as well, and stops what it started
    if code:
        raise LocalReplayError(f"The agent could not replay the treatment (exit code {code}); its error is above.")


def _compared(client: Client, kit: Any, result: Any, folder: Path) -> Any:
    original = kit["original"]
    work = kit["work"]
    state = _STATES.get(result["outcome"], result["outcome"])
    now = {
        "run_id": None,
        "state": state,
        "cause": result["error"],
        "exit_code": result["exit_code"],
        "started_at": result["started_at"],
        "finished_at": result["finished_at"],
        "pool": None,
        "host": os.uname().nodename,
        "image_digest": result.get("image_digest"),
        "offline": False,
        "usage": result["usage"],
    }
    found: dict[str, Any] = {
        "treatment": work["treatment"], "original": original, "replay": now, "outputs": [], "depends_on": [],
        "considered": [],
    }  # fmt: skip
    for one, which in ((original, "The original"), (now, "The replay")):
        if one["state"] in _INCONCLUSIVE:
            why = f"{which} ended {one['state']}: {one['cause'] or 'unknown cause'}"
            return {**found, "verdict": str(ReplayVerdict.INCONCLUSIVE), "first": why}
    unknown = [name for name, sent in kit["outputs"].items() if sent["sha256"] is None]
    if unknown:
        why = f"the output {unknown[0]} cannot be compared: {kit['outputs'][unknown[0]]['not_kept']}"
        return {**found, "verdict": str(ReplayVerdict.INCONCLUSIVE), "first": why}
    types = _captured(work)
    if types is not None:
        now["exit_code"] = None  # the exit code of a separate engine, which the original did not have
    # Reports of tests have times in them, so that no two are equal.
    sent = {port: one for port, one in result["outputs"].items() if port != REPORTS_PORT}
    outputs = [
        _output(client, kit, {**port, "type": types[port["port"]]} if types else port, sent, folder)
        for port in work["outputs"]
        if (types or port["type"] != "void") and port["port"] != REPORTS_PORT
    ]
    then_, now_ = _execution(original, kit["outputs"]), _execution(now, sent)
    decided, first = verdict(then_, now_, outputs)
    reasons = guesses(evidence(then_, now_, outputs, (_side(original), _side(now))))
    return {
        **found,
        "verdict": str(decided),
        "first": first,
        "outputs": [_shown(output) for output in outputs],
        "depends_on": [
            {"kind": str(guess.kind), "confidence": str(guess.confidence), "evidence": guess.evidence}
            for guess in reasons
        ],
    }


def _captured(work: Any) -> Mapping[str, str] | None:
    """The types of the outputs of a treatment inside an engine; None for other treatments."""
    found: Mapping[str, str] | None = ((work.get("engine") or {}).get("program") or {}).get("captured")
    return found


def _output(client: Client, kit: Any, port: Any, sent: Any, folder: Path) -> OutputContrast:
    name = port["port"]
    then, now = kit["outputs"].get(name), sent.get(name)
    spec = OutputSpec(port=name, flow=port["flow"], type=port["type"], path=port.get("path"))
    none = NOTHING if _captured(kit["work"]) is not None else None
    both = OutputDigest(then["sha256"], then["size"]) if then else none, OutputDigest(**now) if now else none
    if then and then["not_kept"] and both[0] != both[1]:
        return OutputContrast(
            port=spec, then=both[0], now=both[1], note=f"the value of the original is not kept: {then['not_kept']}"
        )
    contents = _original_content(client, kit, then), _replayed_content(folder / "outputs" / name)
    return contrasted(spec, both, contents, LONGEST_COMPARED)


def _original_content(client: Client, kit: Any, then: Any) -> Iterator[bytes]:
    if then:
        yield from client.read_value(kit["original"]["run_id"], then["sha256"])


def _replayed_content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _execution(one: Any, sent: Any) -> Execution:
    return Execution(one["state"], one["exit_code"], {port: each["sha256"] for port, each in sent.items()})


def _side(one: Any) -> ExecutionSite:
    begin, end = (datetime.fromisoformat(one[name]) for name in ("started_at", "finished_at"))
    return ExecutionSite(Stretch(begin, end), one["host"])


def _shown(output: OutputContrast) -> Any:
    place = output.contrast.first if output.contrast else None
    return {
        "port": output.port.port,
        "flow": output.port.flow,
        "type": output.port.type,
        "equal": output.equal,
        "same_values": output.same_values,
        "then": vars(output.then) if output.then else None,
        "now": vars(output.now) if output.now else None,
        "first_difference": vars(place) if place else None,
        "note": output.note,
    }
