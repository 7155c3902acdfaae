"""Files that steps of Bitbucket Pipelines leave for later ones: ports, and the connections between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cadence.importing.bitbucket.step import BitbucketStep
from cadence.importing.shared.artifacts import name_of_port, path_of_port
from cadence.importing.shared.draft import PORTS
from cadence.importing.shared.globs import alternatives
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts


@dataclass(frozen=True)
class StepArtifact:
    """An output that later steps receive at `restored`; `name` is empty unless the file names the artifact."""

    step: BitbucketStep
    port: str
    restored: str
    name: str = ""


def published(step: BitbucketStep) -> dict[str, StepArtifact]:
    """Adds an output for each path that the step keeps; returns those for later steps, by path."""
    found: dict[str, StepArtifact] = {}
    value, line = step.body.get("artifacts"), step.line("artifacts")
    if not isinstance(value, dict):
        _publish(step, found, texts(value), line)
        return found
    _publish(step, found, texts(value.get("paths")), line)
    for entry in map(mapping, listed(value.get("upload"))):
        name = plain(entry.get("name"))
        shared: dict[str, StepArtifact] = {}
        _publish(step, shared, texts(entry.get("paths")), line, name)
        if entry.get("type") != "scoped":
            found.update(shared)
        for key in entry:
            if key not in ("name", "type", "paths"):
                step.note(line, f"artifacts.{name}.{key}", "Outputs have no such setting.", "Pack files in the script.")
    for key in value:
        if key not in ("paths", "download", "upload"):
            step.note(line, f"artifacts.{key}", "Outputs have no such setting.", "Pack the files in the script.")
    return found


def _publish(
    step: BitbucketStep, found: dict[str, StepArtifact], paths: Sequence[str], line: int, name: str = ""
) -> None:
    every = list(dict.fromkeys(single for path in paths for single in alternatives(path)))
    for text in every:
        if "$" in text or text.startswith(("/", "~", "!", "..")):
            step.note(
                line, f"the artifact {text}", "A path has to be known, and within the working directory.",
                "Write it out.",
            )  # fmt: skip
            continue
        path, restored = path_of_port(text)
        if path in found:
            continue
        if len(step.treatment.body.get("outputs", ())) == PORTS:
            step.note(
                line, f"the artifact {text}", f"A treatment has at most {PORTS} outputs.", "Pack several into one."
            )
            continue
        port = step.treatment.output(name_of_port(path), {"type": "Stream<byte>", "path": path})
        found[path] = StepArtifact(step, port, restored, name)
    if every:
        step.draft.notes.add(
            0, "artifacts that are missing", "A treatment fails if a file of its outputs is not there.",
            "Have scripts make such files in any case, or leave out the outputs.",
        )  # fmt: skip


def restore(step: BitbucketStep, available: Mapping[str, Sequence[StepArtifact]]) -> None:
    """Connects the artifacts of earlier steps; the script unpacks those whose place another one has."""
    left_out = 0
    for artifact in _wanted(step, available):
        if len(step.treatment.body.get("inputs", ())) == PORTS:
            left_out += 1
            continue
        taken = step.treatment.restores(artifact.restored)
        if taken and not artifact.restored.endswith("/"):
            step.note(
                step.planned.line, f"the artifact {artifact.restored} of {artifact.step.treatment.name}",
                "Another step leaves something at the same place.", "Give one of them another path.",
            )  # fmt: skip
            continue
        port = {"type": "Stream<byte>"} if taken else {"type": "Stream<byte>", "path": artifact.restored}
        name = step.treatment.input(f"{artifact.step.treatment.name}_{artifact.port}", port)
        step.draft.connect(artifact.step.treatment, artifact.port, step.treatment, name)
        if taken:
            folder = artifact.restored
            step.beginning.append(f"mkdir -p '{folder}'; tar -xf \"$CADENCE_IN_{name}\" -C '{folder}'")
        if artifact.step.condition:
            step.note(
                step.planned.line, f"the artifact {artifact.restored} of {artifact.step.treatment.name}",
                "That step has a condition; where it is skipped, this one has no such input and is skipped, too.",
                "Have the step run in any case, or take away the connection.",
            )  # fmt: skip
    if left_out:
        step.note(
            step.planned.line, f"{left_out} artifacts of earlier steps", f"A treatment has at most {PORTS} inputs.",
            "Write artifacts: {download: false} where they are not needed, and import again.",
        )  # fmt: skip


def _wanted(step: BitbucketStep, available: Mapping[str, Sequence[StepArtifact]]) -> list[StepArtifact]:
    value: Any = mapping(step.body.get("artifacts")).get("download", True)
    every = [artifact for artifacts in available.values() for artifact in artifacts]
    if value is False:
        return []
    if isinstance(value, list):
        return [artifact for artifact in every if artifact.name in texts(value)]
    return every
