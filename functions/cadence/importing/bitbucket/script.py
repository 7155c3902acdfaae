"""A step's script in Bitbucket Pipelines, and the variables that it uses."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from cadence.importing.bitbucket.step import PREDEFINED, BitbucketStep, expression
from cadence.importing.shared.shell import (
    HOME_WITHIN,
    NOT_CARRIED_OVER,
    exports,
    needed_variables,
    needs_bash,
    stop_without,
    used_variables,
    uses_git,
)
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts

_FULL_NAME = "BITBUCKET_REPO_FULL_NAME"
_EXIT_CODE = "BITBUCKET_EXIT_CODE"
_EXPORTED = {
    "BITBUCKET_CLONE_DIR": '"$PWD"',
    "BITBUCKET_REPO_SLUG": f'"${{{_FULL_NAME}##*/}}"',
    "BITBUCKET_WORKSPACE": f'"${{{_FULL_NAME}%%/*}}"',
    "BITBUCKET_REPO_OWNER": f'"${{{_FULL_NAME}%%/*}}"',
}
_NUMBER = '${{ has(event.number) ? string(event.number) : "" }}'
_SET = re.compile(
    r"(?:^|[\s;&|(`])(?:(?:export|local|readonly|declare|read|for)\s+(?:-\w+\s+)*)?([A-Z_][A-Z0-9_]*)(?:=|\+=|\s+in\b)"
)
_READ = re.compile(r"\bread\s+(?:-\w+\s+)*([A-Z_][A-Z0-9_ ]*)")
_SETTING = re.compile(r"[A-Z][A-Z0-9_]+")
# Bitbucket runs scripts by bash where the image has it. Images of Alpine have none, but a shell that knows most of it.
_OF_BASH = re.compile(
    r"(?:^|[;&|]\s*)(?:source|pushd|popd|function|let)\s|\[ [^\]\n]{1,200}==|&>|\$\{\w+(?:[\^,/]|:\d)|\(\(|\{\d+\.\.\d+\}|\$'|\becho -e\b",
    re.MULTILINE,
)
_OF_SHELL = frozenset({"BASH_VERSION", "CI", "EUID", "HOME", "HOSTNAME", "IFS", "LANG", "LOGNAME", "OLDPWD", "PATH", "PPID",
                       "PWD", "RANDOM", "SECONDS", "SHELL", "SHLVL", "TERM", "TMPDIR", "UID", "USER"})  # fmt: skip
_LOADS_OTHERS = re.compile(r"(^|[\s;&|(])(\.|source|eval|set -a)\s", re.MULTILINE)


def write_script(step: BitbucketStep) -> None:
    """Writes `run` of the treatment, or a step for the script and one that follows it in any case."""
    main, after = _commands(step, "script"), _commands(step, "after-script")
    if not main:
        step.note(step.planned.line, "script", "The step has none.", "Write what it does.")
    text = "\n".join([*main, *after])
    beginning = [*_files(step, [*step.beginning, text]), *step.beginning]
    body = step.treatment.body
    if "alpine" not in plain(body.get("image")) and (needs_bash(text) or _OF_BASH.search(text)):
        body["shell"] = "bash -e"
    used = used_variables(text)
    _environment_variables(step, used)
    missing = _missing(step, "\n".join(main), used)
    script = [*_first_lines(step, used), *(stop_without(name) for name in missing), *beginning]
    if not after:
        body["run"] = _written([*script, *main] or ["true"])
        return
    if _EXIT_CODE in used:
        script.insert(0, f'trap \'echo "{_EXIT_CODE}=$?" >> "$CADENCE_ENV"\' EXIT')
    ending = [*_first_lines(step, used), *after]
    body["steps"] = [
        {"name": "script", "run": _written([*script, *main] or ["true"])},
        {"name": "after-script", "always": True, "soft_fail": True, "run": _written(ending)},
    ]


def _written(lines: list[str]) -> str:
    return "\n".join(lines).rstrip("\n").replace("${{", "$ {{") + "\n"


def _commands(step: BitbucketStep, key: str) -> list[str]:
    lines: list[str] = []
    for entry in listed(step.body.get(key)):
        if not isinstance(entry, dict):
            lines += [line for text in texts(entry) for line in text.rstrip("\n").split("\n")]
            continue
        line = step.file.line(entry) or step.line(key)
        pipe = plain(entry.get("pipe") or next(iter(entry), "an entry"))
        step.note(
            line, f"pipe: {pipe}" if "pipe" in entry else f"{key}: {pipe}",
            "Pipes are programs of Bitbucket; Cadence runs scripts, and this one stops here.",
            "Do what it does by commands, or delete the line that stops.",
        )  # fmt: skip
        words = " ".join(pipe.split())[:100]
        lines.append(f"echo {shlex.quote(f'{words} {NOT_CARRIED_OVER}')} >&2; exit 1")
    if any("${{" in line for line in lines):
        step.note(step.line(key), f"${{{{ in {key}", "That begins an expression of Cadence.", "Write it another way.")
    return lines


def _files(step: BitbucketStep, scripts: list[str]) -> list[str]:
    """Gives the step the files of the commit: as `source`, or by a clone if it uses git or all of the history."""
    clone: Mapping[str, Any] = {**step.file.clone, **mapping(step.body.get("clone"))}
    if clone.get("enabled") is False:
        return []
    lfs = clone.get("lfs") is True
    if not uses_git("\n".join(scripts)) and plain(clone.get("depth")) != "full":
        step.treatment.body["source"] = {"lfs": True} if lfs else True
        return []
    return step.draft.clone(lfs=lfs)


def _first_lines(step: BitbucketStep, used: set[str]) -> list[str]:
    lines = exports({name: word for name, word in _EXPORTED.items() if name in used})
    if step.home:
        lines.append(HOME_WITHIN)
    return lines


def _environment_variables(step: BitbucketStep, used: set[str]) -> None:
    """Sets the variables of Bitbucket that scripts use, and those of a custom pipeline."""
    env: dict[str, Any] = dict(step.treatment.body.get("env", {}))
    wanted = used | ({_FULL_NAME} if used & {name for name, word in _EXPORTED.items() if _FULL_NAME in word} else set())
    fixed = {
        "BITBUCKET_PARALLEL_STEP": str(step.planned.part),
        "BITBUCKET_PARALLEL_STEP_COUNT": str(step.planned.parts),
        "BITBUCKET_PR_ID": _NUMBER,
        **step.fixed,
    }
    for name in sorted(wanted):
        if name in PREDEFINED:
            env[name] = f"${{{{ {expression(name)} }}}}"
        elif name in fixed:
            env[name] = fixed[name]
    if "BITBUCKET_BUILD_NUMBER" in used:
        step.note(
            step.line("script"), "$BITBUCKET_BUILD_NUMBER", "It is the id of the run, which does not count up.",
            "Check where it is used.",
        )  # fmt: skip
    step.treatment.body["env"] = env


def _missing(step: BitbucketStep, script: str, used: set[str]) -> list[str]:
    """The variables without which the script must not go on; all that are not known here are in the report."""
    env = step.treatment.body["env"]
    own = set(_SET.findall(script)) | {name for words in _READ.findall(script) for name in words.split()}
    known = {*env, *own, *_OF_SHELL, *_EXPORTED, _EXIT_CODE}
    found = sorted(name for name in used - known if _SETTING.fullmatch(name) and not name.startswith("CADENCE_"))
    for name in found:
        if name.startswith("BITBUCKET_"):
            why, todo = "Cadence sets no such variable.", "Set it in `env`, or do without it."
        else:
            why = "Variables of the repository, the workspace and deployments are settings of Bitbucket."
            todo = f"Name it in `secrets` ({{{name}: name-of-the-secret}}), in `env`, or in the environment."
        step.note(step.line("script"), f"${name}", why, todo)
    if _LOADS_OTHERS.search(script):
        return []
    return [name for name in found if name in needed_variables(script)]
