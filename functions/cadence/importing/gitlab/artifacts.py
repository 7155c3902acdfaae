"""Files that jobs of GitLab CI leave for later ones: output ports, input ports, and the connections between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cadence.importing.gitlab.job import GitLabJob
from cadence.importing.shared.artifacts import name_of_port, path_of_port
from cadence.importing.shared.draft import PORTS
from cadence.importing.shared.yaml_source import mapping, plain, texts


@dataclass
class Artifacts:
    """The output ports of a job with the paths that they are restored to, and the file of variables among them."""

    job: GitLabJob
    ports: dict[str, str] = field(default_factory=dict)
    variables_file: str | None = None


def published(job: GitLabJob) -> Artifacts:
    """Adds an output for each path that the job keeps."""
    artifacts, line = mapping(job.body.get("artifacts")), job.line("artifacts")
    found = Artifacts(job)
    for text in dict.fromkeys(texts(artifacts.get("paths"))):
        path = job.text(text, line, "artifacts")
        if path is None or "${{" in path or path.startswith("/"):
            job.note(
                line,
                f"the artifact {text}",
                "A path has to be known, and within the working directory.",
                "Write it out.",
            )
            continue
        _publish(found, path, line)
    reports = mapping(artifacts.get("reports"))
    if isinstance(reports.get("dotenv"), str):
        found.variables_file = reports["dotenv"]
        _publish(found, reports["dotenv"], line)
    for key in reports:
        if key != "dotenv":
            job.note(line, f"artifacts.reports.{key}", "Nothing reads such reports.", "Keep the file as an artifact.")
    for key in artifacts:
        if key == "when":
            job.note(
                line, f"artifacts.when: {plain(artifacts[key])}",
                "Outputs of failed attempts are kept, too, but handed to no other treatment.",
                "Nothing, if that is enough.",
            )  # fmt: skip
        elif key in ("exclude", "untracked"):
            job.note(line, f"artifacts.{key}", "Outputs have no such setting.", "Pack the files in the script.")
        elif key not in ("paths", "reports", "name", "expire_in", "expose_as", "public", "access"):
            job.note(line, f"artifacts.{key}", "Outputs have no such setting.", "Do without it.")
    return found


def _publish(found: Artifacts, text: str, line: int) -> None:
    path, restored = path_of_port(text)
    if len(found.ports) == PORTS:
        found.job.note(
            line, f"the artifact {text}", f"A treatment has at most {PORTS} outputs.", "Pack several files into one."
        )
        return
    port = found.job.treatment.output(name_of_port(path), {"type": "Stream<byte>", "path": path})
    found.ports[port] = restored


def restore(job: GitLabJob, producers: Iterable[Artifacts]) -> list[str]:
    """Connects artifacts of other jobs to inputs of this one; returns the script lines that read files of variables."""
    lines, left_out = [], 0
    for producer in producers:
        for port, restored in producer.ports.items():
            if len(job.treatment.body.get("inputs", ())) == PORTS:
                left_out += 1
                continue
            if job.treatment.restores(restored):
                job.note(
                    job.treatment.line, f"the artifact {restored} of {producer.job.name}",
                    "Another job leaves something at the same place.", "Give one of them another path.",
                )  # fmt: skip
                continue
            name = f"{producer.job.treatment.name}_{port}"
            entry = job.treatment.input(name, {"type": "Stream<byte>", "path": restored})
            job.draft.connect(producer.job.treatment, port, job.treatment, entry)
        if producer.variables_file:
            lines.append(f"set -a; . ./{plain(producer.variables_file)}; set +a")
    if left_out:
        job.note(
            job.treatment.line, f"{left_out} artifacts of earlier jobs", f"A treatment has at most {PORTS} inputs.",
            "Name the jobs whose artifacts it needs in `needs` or `dependencies`, and import again.",
        )  # fmt: skip
    return lines
