"""One job of GitLab CI as a treatment: its script and settings. Artifacts between jobs are in `artifacts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cadence.importing.gitlab.file import GitLabFile, script_lines
from cadence.importing.gitlab.variables import NEAR, PREDEFINED, UnknownVariable, Variables, names_in, value_of
from cadence.importing.shared.cel import bare
from cadence.importing.shared.draft import ImportDraft, ImportedTreatment
from cadence.importing.shared.shell import (
    exports,
    needs_bash,
    quoted,
    used_variables,
    uses_git,
)
from cadence.importing.shared.yaml_source import plain


@dataclass(kw_only=True)
class GitLabJob:
    """A job while it is converted into a treatment."""

    name: str
    body: Mapping[str, Any]
    file: GitLabFile
    draft: ImportDraft
    treatment: ImportedTreatment
    variables: Variables

    def line(self, key: str) -> int:
        return self.file.line(self.body, key) or self.treatment.line

    def note(self, line: int, what: str, why: str, todo: str) -> None:
        self.draft.notes.add(line, f"{self.name}: {what}", why, todo)

    def text(self, text: str, line: int, where: str) -> str | None:
        """A text with its variables replaced by values or expressions; `None` and a note if one is unknown."""
        for name in self.variables.used_near(text):
            self.note(line, f"{where}: ${name}", NEAR[name][1], "Check where it is used.")
        try:
            return self.variables.text(text)
        except UnknownVariable as error:
            self.note(line, f"{where}: {text}", f"The variable {error} is not known here.", "Write its value out.")
            return None


def script(job: GitLabJob, beginning: list[str]) -> None:
    """The script: a clone if it needs one, `beginning`, before_script and script in one shell, and after_script at its
    end in any case.
    """
    before, main = script_lines(job.body.get("before_script")), script_lines(job.body.get("script"))
    after = script_lines(job.body.get("after_script"))
    text = "\n".join([*before, *main, *after])
    used = used_variables(text)
    lines: list[str] = []
    if after:
        lines += ["after_script() (", "set +e", *after, ")", "trap 'after_script || :' EXIT", ""]
    if _setting(job, "GIT_STRATEGY") not in ("none", "empty"):
        lines += _files(job, [*beginning, text])
    within = {
        name: text for name, entry in job.variables.values.items() if "CI_PROJECT_DIR" in (text := value_of(entry))
    }
    if within or "CI_PROJECT_DIR" in used:
        lines[:0] = ['export CI_PROJECT_DIR="$PWD"', *exports({name: quoted(text) for name, text in within.items()})]
    lines += [*beginning, *before, *main]
    body = "\n".join(lines).replace("${{", "$ {{") + "\n"
    if "${{" in text:
        job.note(
            job.line("script"), "${{ in the script", "That begins an expression of Cadence.", "Write it another way."
        )
    job.treatment.body["run"] = body
    if needs_bash(text) or "image" not in job.treatment.body:
        job.treatment.body["shell"] = "bash -eo pipefail"
    _environment_variables(job, used)


def _setting(job: GitLabJob, name: str) -> str:
    return plain(value_of(job.variables.values.get(name, "")))


def _files(job: GitLabJob, scripts: list[str]) -> list[str]:
    """Gives the job the files of the commit: as `source`, or by a clone if its scripts use git or all of its history.

    Returns the lines that the script needs for it.
    """
    if uses_git("\n".join(scripts)) or _setting(job, "GIT_DEPTH") == "0":
        return [*job.draft.clone(), ""]
    submodules = _setting(job, "GIT_SUBMODULE_STRATEGY") in ("normal", "recursive")
    job.treatment.body["source"] = {"submodules": True} if submodules else True
    return []


def _environment_variables(job: GitLabJob, used: set[str]) -> None:
    """Sets the variables of the job, and those of GitLab that its scripts use."""
    env: dict[str, Any] = {}
    for name, entry in job.variables.values.items():
        text, line = value_of(entry), job.file.line(job.body.get("variables"), name) or job.treatment.line
        if name in job.variables.fixed or name in job.variables.axes:
            continue
        if name.startswith("CADENCE_"):
            job.note(line, f"variables.{name}", "Names that begin with CADENCE_ are Cadence's own.", "Rename it.")
            continue
        if "CI_PROJECT_DIR" in text:
            continue  # the script sets it: only there is the folder known
        value_text = job.text(text, line, f"variables.{name}") if "$" in text else text
        env[name] = value_text if value_text is not None else ""
    env.update((name, f"${{{{ matrix.{axis} }}}}") for name, axis in job.variables.axes.items())
    reachable = used | {name for entry in job.variables.values.values() for name in names_in(value_of(entry))}
    for name in sorted(reachable - env.keys()):
        if name in PREDEFINED or name in NEAR:
            env[name] = f"${{{{ {bare(job.variables.cel(name))} }}}}"
            if name in NEAR:
                job.note(job.line("script"), f"${name}", NEAR[name][1], "Check where it is used.")
        elif name in job.variables.fixed:
            env[name] = job.variables.fixed[name]
        elif name.startswith(("CI_", "GITLAB_")) and name != "CI_PROJECT_DIR":
            job.note(
                job.line("script"), f"${name}", "Cadence sets no such variable.", "Set it in env, or do without it."
            )
    job.treatment.body["env"] = env
