"""The steps of a job, as named steps of its treatment."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cadence.importing.github.actions import action
from cadence.importing.github.event_members import GITHUB
from cadence.importing.github.job import STEP_OUTPUT, GitHubJob
from cadence.importing.github.paths_filter import paths_filter
from cadence.importing.github.step_conditions import LEFT_OUT, with_condition
from cadence.importing.shared.cel import bare
from cadence.importing.shared.names import StepTitles, slug
from cadence.importing.shared.shell import (
    HOME_WITHIN,
    NOT_CARRIED_OVER,
    NOTHING_CARRIED_OVER,
    REPOSITORY_OF_FILES,
    compares_files,
    dedented,
    exports,
    here_document,
    needed_variables,
    stop_without,
    used_variables,
    uses_git,
)
from cadence.importing.shared.yaml_source import listed, mapping, plain

_SHELLS = {
    "bash": "bash -eo pipefail",
    "sh": "sh -e",
    "python": "python3",
    "pwsh": "pwsh -Command -",
    "powershell": "pwsh -Command -",
}
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")
_SUMMARY = "GITHUB_STEP_SUMMARY"
_GIVEN = {
    f"GITHUB_{name}": GITHUB[name.lower()]
    for name in ("SHA", "REF", "REF_NAME", "REF_TYPE", "HEAD_REF", "BASE_REF", "EVENT_NAME", "REPOSITORY", "REPOSITORY_OWNER",
                 "ACTOR", "RUN_ID", "WORKFLOW")
}  # fmt: skip
_OUTPUT_FUNCTION = f'{STEP_OUTPUT}() {{ [ ! -f "$steps/$1" ] || sed -n "s/^$2=//p" "$steps/$1" | tail -n 1; }}'
_SUDO = re.compile(r"(?:^|[\s;&|(])sudo\s")
_SUDO_FUNCTION = """\
command -v sudo > /dev/null || sudo() {  # containers run as root
  while [ "${1#-}" != "$1" ]; do case "$1" in -[Cgpu] | --group | --user) shift ;; esac; shift; done
  [ $# = 0 ] || env "$@"
}"""
_MOST_STEPS = 100


@dataclass(kw_only=True)
class _Step:
    """A step while it is converted: `lines` are its script, without what all steps begin with; `env` its variables."""

    title: str
    lines: list[str]
    id: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def only_comments(self) -> bool:
        return all(map(_is_comment, self.lines))

    @property
    def left_out(self) -> bool:
        """Whether nothing of it runs. The step may be a setting of the treatment instead."""
        return not self.lines or self.lines[0].startswith(LEFT_OUT) or _is_comment(self.lines[-1])


def _is_comment(text: str) -> bool:
    return all(line.lstrip()[:1] in ("", "#") for line in text.splitlines())


def write_steps(job: GitHubJob, defaults: Mapping[str, Any]) -> None:
    """Adds the steps to the treatment of the job, as `run` if there is one alone; also their ports and caches."""
    steps_of_job = [step for step in listed(job.body.get("steps")) if isinstance(step, dict)]
    written = [paths_filter(job, step) or step for step in steps_of_job]
    for step in written:
        if step.get("id") and not step.get("uses"):  # an action's outputs do not exist
            job.step_ids[plain(step["id"])] = slug(plain(step["id"]))
    found = [_step(job, step, index, defaults) for index, step in enumerate(written)]
    if any(step.lines for step in found) and all(step.left_out for step in found):
        words = f"Warning: of the job {job.treatment.name}, {NOTHING_CARRIED_OVER}. The report of the import says why."
        found.append(_Step(title="warning", lines=[f"echo {shlex.quote(words)} >&2"]))
    if ending := _ending(job):
        found.append(_Step(title="outputs of the job", lines=ending))
    if job.beginning:
        found.insert(0, _Step(title="empty artifacts", lines=job.beginning))
    steps = _bounded(_with_comments([step for step in found if step.lines]))
    if job.treatment.body.get("source") and compares_files("\n".join(line for step in steps for line in step.lines)):
        steps = _bounded([_Step(title="a repository of the files", lines=REPOSITORY_OF_FILES), *steps])
    _settings_of_scripts(job, steps)
    scripts = [_script(job, step) for step in steps]
    body = job.treatment.body
    if not steps:
        body["run"] = "true"
    elif len(steps) == 1 and _is_script_alone(steps[0], scripts[0], body):
        body["run"] = scripts[0]
        job.env.update(steps[0].env)
    else:
        names = StepTitles()
        body["steps"] = [
            {"name": names.fresh(step.title), **step.settings, **({"env": step.env} if step.env else {}), "run": script}
            for step, script in zip(steps, scripts, strict=True)
        ]


def _is_script_alone(step: _Step, script: str, body: Mapping[str, Any]) -> bool:
    """Whether a step needs nothing that only steps have; a variable may replace a secret in steps alone."""
    return not step.settings and "CADENCE_ENV" not in script and step.env.keys().isdisjoint(body.get("secrets", ()))


def _with_comments(steps: list[_Step]) -> list[_Step]:
    """Returns the steps with those that are comments alone written into the next one, else the one before.

    One step at least has to be more than comments, if there are any.
    """
    kept: list[_Step] = []
    comments: list[str] = []
    for step in steps:
        if step.only_comments:
            comments += step.lines
        else:
            kept.append(replace(step, lines=[*comments, *step.lines]))
            comments = []
    if comments:
        kept[-1] = replace(kept[-1], lines=[*kept[-1].lines, *comments])
    return kept


def _bounded(steps: list[_Step]) -> list[_Step]:
    """Returns at most as many steps as a treatment may have; the last one does the work of all that are left."""
    if len(steps) <= _MOST_STEPS:
        return steps
    kept, rest = steps[: _MOST_STEPS - 1], steps[_MOST_STEPS - 1 :]
    lines: list[str] = []
    env: dict[str, str] = {}
    for step in rest:
        words = {name: shlex.quote(value) for name, value in step.env.items() if "${{" not in value}
        env |= {name: value for name, value in step.env.items() if name not in words}
        lines += ["(", *exports(words), *step.lines, ")"]
    return [*kept, _Step(title=rest[0].title, lines=lines, env=env)]


def _step(job: GitHubJob, step: Mapping[str, Any], index: int, defaults: Mapping[str, Any]) -> _Step:
    line = job.line(step)
    env = mapping(step.get("env"))
    scope, job.scope = job.scope, job.with_env(env)
    title = plain(step.get("name") or step.get("uses") or _first_line(step) or f"step {index + 1}")
    made = _Step(title=title, lines=[], id=job.step_ids.get(plain(step.get("id") or ""), ""))
    try:
        exported = exports(job.variables(env, made.env))
        if step.get("uses"):
            lines = action(job, step, plain(step["uses"]), job.line(step, "uses"))
            made.lines = [*exported, *lines] if lines != ["true"] else []
            if not made.lines and "if" in step:
                _setting_with_condition(job, step)
        else:
            made.lines = [*exported, *_command(job, step, defaults)]
        if made.lines and not made.only_comments:
            _add_settings(job, step, made, line)
    finally:
        job.scope = scope
    return made


def _first_line(step: Mapping[str, Any]) -> str:
    return next((line for line in plain(step.get("run") or "").splitlines() if line.strip()), "")


def _command(job: GitHubJob, step: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    line = job.line(step, "run")
    text = job.in_script(dedented(plain(step.get("run"))), line)
    folder = step.get("working-directory", defaults.get("working-directory"))
    lines = [f"cd {job.in_quotes(plain(folder), line)}"] if folder else []
    shell = plain(step.get("shell", defaults.get("shell", "")))
    program = shell.split()[0] if shell else ""
    if program in ("", "bash", "sh"):
        return [*lines, *([text] if text else [])]
    if program not in _SHELLS:
        job.note(
            line, f"shell: {shell}", "It is not known here how it reads a script.", "Check how the program is called."
        )
    command = re.sub(r"\s*\{0\}", "", _SHELLS.get(program, shell))
    return [*lines, *here_document(command, text)]


def _add_settings(job: GitHubJob, step: Mapping[str, Any], made: _Step, line: int) -> None:
    if step.get("continue-on-error") not in (None, False):
        made.settings["soft_fail"] = True
    if "timeout-minutes" in step:
        job.note(
            job.line(step, "timeout-minutes") or line, "timeout-minutes of a step",
            "Only whole treatments have a time limit.", "Use timeout(1) in the script, or shorten max_duration.",
        )  # fmt: skip
    if "if" in step:
        made.lines = with_condition(job, plain(step["if"]), job.line(step, "if"), made.settings, made.lines)


def _setting_with_condition(job: GitHubJob, step: Mapping[str, Any]) -> None:
    uses = plain(step["uses"])
    keeps = uses.startswith("actions/upload-artifact")
    outputs = " Outputs of failed attempts are kept, too, but handed to no other treatment." if keeps else ""
    job.note(
        job.line(step, "if"), f"if: {plain(step['if'])} of {uses}",
        f"It became a setting of the treatment, which has no condition.{outputs}", "Nothing, if that is enough.",
    )  # fmt: skip


def _settings_of_scripts(job: GitHubJob, steps: Sequence[_Step]) -> None:
    """Adds the variables of GitHub that scripts use to those of the treatment, and notes those that do not exist."""
    body = "\n".join(line for step in steps for line in step.lines)
    used = used_variables(body)
    for name, cel in _GIVEN.items():
        if name in used and name not in job.env:
            job.env[name] = f"${{{{ {bare(cel)} }}}}"
    if "CI" in used and "CI" not in job.env:
        job.env["CI"] = True
    if (
        job.treatment.body.get("source")
        and uses_git(body)
        and "git init --quiet" not in body
        and not compares_files(body)
    ):
        job.note(
            job.treatment.line, "git in scripts", "`source` gives the files of the commit without .git.",
            "Have the script clone the repository where it needs one, or do without git.",
        )  # fmt: skip
    if job.uses_step_outputs:
        job.note(
            job.treatment.line, "outputs of steps", "They are read from the lines `name=value` that steps write.",
            "Values of several lines, and those that actions give, are not there: write them in the script.",
        )  # fmt: skip
    job.missing_env -= set(job.env)
    known = {*_GIVEN, *_FILES, _SUMMARY, *job.env, *job.treatment.body.get("secrets", ()), "GITHUB_WORKSPACE"}
    for name in sorted(used - known - {name for step in steps for name in step.env}):
        if name.startswith(("GITHUB_", "RUNNER_")):
            job.note(
                job.treatment.line, f"${name}", "Cadence sets no such variable.", "Set it in env, or do without it."
            )
            job.missing_env.add(name)


def _script(job: GitHubJob, step: _Step) -> str:
    """Returns the script of a step, with what it uses of GitHub's at its beginning and end."""
    body = "\n".join(step.lines)
    used = used_variables(body)
    lines = exports(job.exported)
    own = {line.removeprefix("export ").partition("=")[0] for line in step.lines if line.startswith("export ")}
    own |= step.env.keys()
    lines += [stop_without(name) for name in sorted((job.missing_env & needed_variables(body)) - own)]
    lines += [line for line, wanted in ((HOME_WITHIN, job.home), (_SUDO_FUNCTION, _SUDO.search(body))) if wanted]
    if "GITHUB_WORKSPACE" in used:
        lines.append('export GITHUB_WORKSPACE="$PWD"')
    if any(word in body for word in ("$steps", STEP_OUTPUT, "GITHUB_OUTPUT", "GITHUB_PATH")):
        lines.append('steps="$TMPDIR/steps"; mkdir -p "$steps"')
    if STEP_OUTPUT in body:
        lines.append(_OUTPUT_FUNCTION)
    if "GITHUB_OUTPUT" in body:
        lines.append(f'export GITHUB_OUTPUT="$steps/{step.id or "github_output"}"')
    if "GITHUB_ENV" in body:
        lines.append('export GITHUB_ENV="$CADENCE_ENV"')
    if "GITHUB_PATH" in body:
        lines.append('export GITHUB_PATH="$steps/github_path"; : > "$GITHUB_PATH"')
    if _SUMMARY in body:
        lines.append(f'export {_SUMMARY}="$CADENCE_SUMMARY"')
    lines.append(body)
    if "GITHUB_PATH" in body:
        lines.append('while IFS= read -r folder; do PATH="$folder:$PATH"; done < "$GITHUB_PATH"')
        lines.append('echo "PATH=$PATH" >> "$CADENCE_ENV"')
    return "\n".join(lines) + "\n"


def _ending(job: GitHubJob) -> list[str]:
    outputs = mapping(job.body.get("outputs"))
    lines = []
    for name, value in outputs.items():
        line = job.line(outputs, name)
        word = job.in_quotes(plain(value), line)
        if NOT_CARRIED_OVER in word:  # who uses the output stops, not who would have given it
            continue
        port = job.treatment.output(plain(name), "Block<string>")
        job.outputs[plain(name)] = port
        lines.append(f'echo {word} > "$CADENCE_OUT_{port}"')
    return lines
