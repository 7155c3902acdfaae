"""The steps of a job, joined into one script."""

import re
from collections.abc import Mapping
from typing import Any

from cadence.importing.github.actions import action
from cadence.importing.github.cel import condition
from cadence.importing.github.expressions import GitHubExpressionError
from cadence.importing.github.job import STEP_OUTPUT, GitHubJob
from cadence.importing.shared.cel import bare, event_value
from cadence.importing.shared.names import slug
from cadence.importing.shared.shell import dedented, exports, here_document, section, used_variables
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
    "GITHUB_SHA": "event.commit",
    "GITHUB_REF": "event.ref",
    "GITHUB_REF_NAME": "event.branch",
    "GITHUB_EVENT_NAME": "event.kind",
    "GITHUB_REPOSITORY": "event.repository",
    "GITHUB_ACTOR": "event.sender",
    "GITHUB_RUN_ID": "run.id",
    "GITHUB_WORKFLOW": "run.pipeline",
}
_OUTPUT_FUNCTION = f'{STEP_OUTPUT}() {{ sed -n "s/^$2=//p" "$steps/$1" | tail -n 1; }}'


def script(job: GitHubJob, defaults: Mapping[str, Any]) -> str:
    """All steps as one script; their ports and caches are added to the treatment of the job."""
    steps = [step for step in listed(job.body.get("steps")) if isinstance(step, dict)]
    for step in steps:
        if step.get("id"):
            job.step_ids[plain(step["id"])] = slug(plain(step["id"]))
    parts = [_step(job, step, index, defaults) for index, step in enumerate(steps)]
    body = "\n".join(part for part in parts if part)
    ending = _ending(job)
    beginning = "".join(f"{line}\n" for line in _beginning(job, body + ending))
    return "\n".join(part for part in (beginning, body, ending) if part)


def _step(job: GitHubJob, step: Mapping[str, Any], index: int, defaults: Mapping[str, Any]) -> str:
    line = job.line(step)
    env = mapping(step.get("env"))
    scope, job.scope = job.scope, job.with_env(env)
    try:
        title = job.in_script(plain(step.get("name") or step.get("uses") or f"step {index + 1}"), line)
        lines = exports(job.variables(env, of_job=False))
        if step.get("uses"):
            lines += action(job, step, plain(step["uses"]), job.line(step, "uses"))
            lines = lines if lines != ["true"] else []
            if not lines and "if" in step:
                _setting_with_condition(job, step)
        else:
            lines += _command(job, step, defaults)
        lines = _guarded(job, step, index, lines)
    finally:
        job.scope = scope
    return section(title, lines) if lines else ""


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


def _guarded(job: GitHubJob, step: Mapping[str, Any], index: int, lines: list[str]) -> list[str]:
    """The step in a shell of its own, run only if its condition holds."""
    if all(line.startswith("#") for line in lines):
        return lines
    script_lines = ["(", *lines, ")"]
    if step.get("id") and any("GITHUB_OUTPUT" in line for line in lines):
        script_lines.insert(1, f'export GITHUB_OUTPUT="$steps/{job.step_ids[plain(step["id"])]}"')
    elif len(lines) == 1 and lines[0].count("\n") == 0 and not lines[0].startswith(("cd ", "export ")):
        script_lines = list(lines)
    if step.get("continue-on-error") not in (None, False):
        script_lines = ["(", *lines, f') || echo "Step {index + 1} failed, which is allowed."']
    if "timeout-minutes" in step:
        job.note(
            job.line(step, "timeout-minutes"), "timeout-minutes of a step", "Only whole treatments have a time limit.",
            "Use timeout(1) in the script, or shorten max_duration.",
        )  # fmt: skip
    if "if" in step:
        script_lines = _conditional(job, plain(step["if"]), job.line(step, "if"), index, script_lines)
    if any("GITHUB_ENV" in line for line in lines):
        script_lines.append('while IFS= read -r pair; do export "$pair"; done < "$GITHUB_ENV"')
    if any("GITHUB_PATH" in line for line in lines):
        script_lines.append('while IFS= read -r folder; do PATH="$folder:$PATH"; done < "$GITHUB_PATH"')
    return script_lines


def _setting_with_condition(job: GitHubJob, step: Mapping[str, Any]) -> None:
    job.note(
        job.line(step, "if"), f"if: {plain(step['if'])} of {plain(step['uses'])}",
        "It became a setting of the treatment, which has no condition; outputs are those of treatments that succeeded.",
        "Nothing, if that is enough.",
    )  # fmt: skip


def _conditional(job: GitHubJob, text: str, line: int, index: int, lines: list[str]) -> list[str]:
    try:
        found = _step_condition(text, job)
    except GitHubExpressionError as error:
        job.note(
            line, f"if: {text}", f"The condition of the step cannot be translated: {error}.",
            "The step is left out until the script says when it runs.",
        )  # fmt: skip
        words = " ".join(text.replace("${{", " ").replace("}}", " ").split())
        return [f"if false; then # was: {words[:80]}", *lines, "fi"]
    if found is None:
        return lines
    name = f"STEP_{index + 1}"
    job.env[name] = f"${{{{ {found} }}}}"
    return [f'if [ "${name}" = true ]; then', *lines, "fi"]


def _step_condition(text: str, job: GitHubJob) -> str | None:
    found = condition(text, job.scope)
    if found.settles:
        raise GitHubExpressionError("a script ends with the first step that fails")
    return found.cel


def _beginning(job: GitHubJob, body: str) -> list[str]:
    used = used_variables(body)
    for name, cel in _GIVEN.items():
        if name in used and name not in job.env:
            job.env[name] = f"${{{{ {bare(event_value(cel))} }}}}"
    lines = exports(job.exported)
    lines += (
        ['export HOME="$PWD"  # so that caches of the home directory are within the working directory']
        if job.home
        else []
    )
    if "GITHUB_WORKSPACE" in used:
        lines.append('export GITHUB_WORKSPACE="$PWD"')
    if "CI" in used and "CI" not in job.env:
        job.env["CI"] = True
    files = [name for name in _FILES if name in body]
    if files or job.uses_step_outputs or "$steps" in body:
        lines.append('steps="$(mktemp -d)"')
    lines += [f'export {name}="$steps/{slug(name)}"; : > "${name}"' for name in files]
    lines += [f'export {_SUMMARY}="$CADENCE_SUMMARY"'] if _SUMMARY in body else []
    if job.uses_step_outputs or mapping(job.body.get("outputs")):
        lines += [] if 'steps="$(mktemp -d)"' in lines else ['steps="$(mktemp -d)"']
        lines += [f': > "$steps/{step}"' for step in job.step_ids.values()] + [_OUTPUT_FUNCTION]
    if job.uses_step_outputs:
        job.note(
            job.treatment.line, "outputs of steps", "They are read from the lines `name=value` that steps write.",
            "Values of several lines, and those that actions give, are not there: write them in the script.",
        )  # fmt: skip
    known = {*_GIVEN, *_FILES, _SUMMARY, *job.env, *job.treatment.body.get("secrets", ()), "GITHUB_WORKSPACE"}
    for name in sorted(used - known):
        if name.startswith(("GITHUB_", "RUNNER_")):
            job.note(
                job.treatment.line, f"${name}", "Cadence sets no such variable.", "Set it in env, or do without it."
            )
    return lines


def _ending(job: GitHubJob) -> str:
    outputs = mapping(job.body.get("outputs"))
    lines = []
    for name, value in outputs.items():
        line = job.line(outputs, name)
        port = job.treatment.output(plain(name), "Block<string>")
        job.outputs[plain(name)] = port
        lines.append(f'echo {job.in_quotes(plain(value), line)} > "$CADENCE_OUT_{port}"')
    return section("The job's outputs", lines) if lines else ""
