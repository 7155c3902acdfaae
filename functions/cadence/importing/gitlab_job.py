"""One job of GitLab CI as a treatment: its script and settings. What passes between jobs is in `gitlab_artifacts`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cadence.importing.containers import service_name
from cadence.importing.draft import Draft, DraftTreatment
from cadence.importing.gitlab_file import GitLabFile, script_lines
from cadence.importing.gitlab_variables import NEAR, PREDEFINED, UnknownVariable, Variables, names_in, value_of
from cadence.importing.names import slug
from cadence.importing.shell import EVENT_COMMIT, EVENT_URL, REPOSITORY_PARAMETERS, checkout, used_variables
from cadence.importing.source import listed, mapping, plain, texts

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")
_BASH = re.compile(r"\[\[|<<<|\bdeclare\b|\bshopt\b|=\(|set -o pipefail|<\(")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = 604_800
_RETRY_CAUSES = {
    "always": ("failure", "infrastructure"),
    "script_failure": ("failure",),
    "runner_system_failure": ("infrastructure",),
    "stuck_or_timeout_failure": ("infrastructure",),
    "scheduler_failure": ("infrastructure",),
    "data_integrity_failure": ("infrastructure",),
    "unknown_failure": ("infrastructure",),
    "job_execution_timeout": ("timeout",),
}


@dataclass
class GitLabJob:
    """A job while its treatment is made."""

    name: str
    body: Mapping[str, Any]
    file: GitLabFile
    draft: Draft
    treatment: DraftTreatment
    variables: Variables

    def line(self, key: str) -> int:
        return self.file.line(self.body, key) or self.treatment.line

    def note(self, line: int, what: str, why: str, todo: str) -> None:
        self.draft.notes.add(line, f"{self.name}: {what}", why, todo)

    def text(self, text: str, line: int, where: str) -> str | None:
        """A text with its variables put in or as expressions; `None`, and a note, if one is not known."""
        for name in self.variables.used_near(text):
            self.note(line, f"{where}: ${name}", NEAR[name][1], "Check where it is used.")
        try:
            return self.variables.text(text)
        except UnknownVariable as error:
            self.note(line, f"{where}: {text}", f"The variable {error} is not known here.", "Write its value out.")
            return None


def settings(job: GitLabJob) -> None:
    """Everything that is said of a job besides its order, conditions and artifacts."""
    for key in job.body:
        if key in _SETTINGS:
            _SETTINGS[key](job)
        elif key in _LEFT_OUT:
            job.note(job.line(key), key, *_LEFT_OUT[key])
        elif key not in _ELSEWHERE:
            job.note(job.line(key), key, "A treatment has no such setting.", "Do without it.")


def script(job: GitLabJob, beginning: list[str]) -> None:
    """Clone, then `beginning`, before_script and script in one shell, after_script at its end whatever happens."""
    before, main = script_lines(job.body.get("before_script")), script_lines(job.body.get("script"))
    after = script_lines(job.body.get("after_script"))
    text = "\n".join([*before, *main, *after])
    used = used_variables(text)
    lines: list[str] = []
    if after:
        lines += ["after_script() (", "set +e", *after, ")", "trap after_script EXIT", ""]
    if plain(value_of(job.variables.values.get("GIT_STRATEGY", ""))) not in ("none", "empty"):
        lines += _clone(job)
    if used & {"CI_PROJECT_DIR", "CI_BUILDS_DIR"}:
        lines.insert(0, 'export CI_PROJECT_DIR="$PWD"')
    lines += [*beginning, *before, *main]
    body = "\n".join(lines).replace("${{", "$ {{") + "\n"
    if "${{" in text:
        job.note(
            job.line("script"), "${{ in the script", "That begins an expression of Cadence.", "Write it another way."
        )
    job.treatment.body["run"] = body
    if _BASH.search(text) or "image" not in job.treatment.body:
        job.treatment.body["shell"] = "bash -eo pipefail"
    _environment_variables(job, used)


def _clone(job: GitLabJob) -> list[str]:
    for name, parameter in REPOSITORY_PARAMETERS.items():
        job.draft.parameter(name, parameter)
    return [*checkout(EVENT_URL, ".", EVENT_COMMIT), ""]


def _environment_variables(job: GitLabJob, used: set[str]) -> None:
    """The job's own variables, and of GitLab's those that its scripts use."""
    env: dict[str, Any] = {}
    for name, entry in job.variables.values.items():
        text, line = value_of(entry), job.file.line(job.body.get("variables"), name) or job.treatment.line
        if name in job.variables.fixed or name in job.variables.axes:
            continue
        if name.startswith("CADENCE_"):
            job.note(line, f"variables.{name}", "Names that begin with CADENCE_ are Cadence's own.", "Rename it.")
            continue
        made = job.text(text, line, f"variables.{name}") if "$" in text else text
        env[name] = made if made is not None else ""
    env.update((name, f"${{{{ matrix.{axis} }}}}") for name, axis in job.variables.axes.items())
    reachable = used | {name for entry in job.variables.values.values() for name in names_in(value_of(entry))}
    for name in sorted(reachable - env.keys()):
        if name in PREDEFINED or name in NEAR:
            env[name] = f"${{{{ {job.variables.cel(name)} }}}}"
            if name in NEAR:
                job.note(job.line("script"), f"${name}", NEAR[name][1], "Check where it is used.")
        elif name in job.variables.fixed:
            env[name] = job.variables.fixed[name]
        elif name.startswith(("CI_", "GITLAB_")) and name not in ("CI_PROJECT_DIR", "CI_BUILDS_DIR"):
            job.note(
                job.line("script"), f"${name}", "Cadence sets no such variable.", "Set it in env, or do without it."
            )
    job.treatment.body["env"] = env


def _image(job: GitLabJob) -> None:
    value, line = job.body["image"], job.line("image")
    image = _image_name(job, plain(mapping(value).get("name") if isinstance(value, dict) else value), line)
    if image:
        job.treatment.body["image"] = image
    if isinstance(value, dict) and value.get("entrypoint"):
        job.note(
            line, "image.entrypoint", "The script is run by the treatment's shell.", "Nothing, if it was only emptied."
        )


def _image_name(job: GitLabJob, text: str, line: int) -> str | None:
    made = job.text(text, line, "image")
    if made is None or "${{" in made or _IMAGE.fullmatch(made):
        return made
    job.note(line, f"the image {text}", "It is not the name of an image.", "Name the image.")
    return None


def _services(job: GitLabJob) -> None:
    made: dict[str, Any] = {}
    for entry in listed(job.body["services"]):
        service = entry if isinstance(entry, dict) else {"name": plain(entry)}
        image = _image_name(job, plain(service.get("name")), job.line("services"))
        if not image:
            continue
        name = service_name(plain(service.get("alias") or service.get("name")).split(",")[0].split()[0])
        if name == "docker":
            job.note(
                job.line("services"),
                image,
                "Docker in Docker needs a privileged container.",
                "Build images another way.",
            )
            continue
        variables = {**job.variables.values, **mapping(service.get("variables"))}
        own = {
            key: job.text(value_of(value), job.line("services"), f"services.{name}") for key, value in variables.items()
        }
        command = texts(service.get("command"))
        made[name] = {
            "image": image,
            **({"env": {key: value for key, value in own.items() if value is not None}} if own else {}),
            **({"command": command} if command else {}),
        }
        if service.get("entrypoint"):
            job.note(
                job.line("services"),
                f"services.{name}.entrypoint",
                "A service has no such setting.",
                "Put it into `command`.",
            )
    job.treatment.body["services"] = made


def _cache(job: GitLabJob) -> None:
    made = []
    for entry in listed(job.body["cache"]):
        cache, line = mapping(entry), job.line("cache")
        paths = [_within(path) for path in _known(job, texts(cache.get("paths")), line, "cache path")]
        if not paths:
            continue
        key = cache.get("key", "default")
        files = texts(mapping(key).get("files")) if isinstance(key, dict) else []
        prefix = (
            plain(mapping(key).get("prefix", job.name if files else "default")) if isinstance(key, dict) else plain(key)
        )
        name = job.text(prefix, line, "cache key")
        one: dict[str, Any] = {"key": name or slug(job.name)}
        if files:
            one["files"] = [_within(file) for file in files]
        one["paths"] = paths
        restore = [
            text for text in _known(job, texts(cache.get("fallback_keys")), line, "fallback_keys") if "${{" not in text
        ]
        if restore:
            one["restore"] = restore
        made.append(one)
        if plain(cache.get("policy", "pull-push")) != "pull-push":
            job.note(
                line,
                f"cache policy {plain(cache['policy'])}",
                "A cache is always read, and kept if it is new.",
                "Nothing.",
            )
        for key_left in ("untracked", "when", "unprotect"):
            if key_left in cache:
                job.note(line, f"cache.{key_left}", "A cache has no such setting.", "Do without it.")
    job.treatment.body["cache"] = made[0] if len(made) == 1 else made


def _known(job: GitLabJob, found: list[str], line: int, where: str) -> list[str]:
    return [text for item in found if (text := job.text(item, line, where)) is not None]


def _within(path: str) -> str:
    return re.sub(r"^(\.?/)+", "", re.sub(r"\$\{\{.*?\}\}/?", "", path)) or "."


def _retry(job: GitLabJob) -> None:
    value = job.body["retry"]
    settings = value if isinstance(value, dict) else {"max": value}
    most = settings.get("max", 0)
    if not isinstance(most, int) or not 0 <= most <= 10:
        job.note(job.line("retry"), "retry", "It is not a number from 0 to 2.", "Say `retry` by hand.")
        return
    causes = texts(settings.get("when")) or ["always"]
    made: dict[str, Any] = {}
    for cause in causes:
        made.update(dict.fromkeys(_RETRY_CAUSES.get(cause, ()), most))
        if cause not in _RETRY_CAUSES:
            job.note(
                job.line("retry"), f"retry when {cause}", "It is no cause that Cadence tells apart.", "Choose another."
            )
    codes = [code for code in listed(settings.get("exit_codes")) if isinstance(code, int) and 0 < code < 256]
    if codes:
        made |= {"failure": most, "exit_codes": codes}
    if most and made:
        job.treatment.body["retry"] = made


def _timeout(job: GitLabJob) -> None:
    text = plain(job.body["timeout"])
    parts = re.findall(r"(\d+)\s*([a-z]*)", text.lower())
    seconds = sum(int(number) * _UNITS.get(unit[:1] or "s", 0) for number, unit in parts if unit[:2] != "mo")
    if seconds > 0:
        job.treatment.body["max_duration"] = min(seconds, _LONGEST)
    else:
        job.note(
            job.line("timeout"),
            f"timeout: {text}",
            "It is not a duration that is known here.",
            "Say max_duration in seconds.",
        )


def _environment(job: GitLabJob) -> None:
    value, line = job.body["environment"], job.line("environment")
    name = job.text(plain(mapping(value).get("name") if isinstance(value, dict) else value), line, "environment")
    if name:
        job.treatment.body["environment"] = name if "${{" in name else slug(name)
        job.note(
            line,
            f"environment: {name}",
            "Its settings are GitLab's.",
            "Make an environment of this name in the project.",
        )
    for key in mapping(value):
        if key not in ("name", "action"):
            job.note(line, f"environment.{key}", "An environment has no such setting.", "Do without it.")


_SETTINGS: Mapping[str, Callable[[GitLabJob], None]] = {
    "image": _image,
    "services": _services,
    "cache": _cache,
    "retry": _retry,
    "timeout": _timeout,
    "environment": _environment,
}
_ELSEWHERE = frozenset({"script", "before_script", "after_script", "variables", "stage", "needs", "dependencies", "artifacts", "rules",
                        "only", "except", "when", "parallel", "inherit", "trigger", "extends", "start_in"})  # fmt: skip
_LEFT_OUT = {
    "tags": ("Tags choose GitLab's runners.", "Name the pools that have such machines in `pools`."),
    "allow_failure": ("A failed treatment fails its run.", "Let the script end well, or connect `failed`."),
    "interruptible": (
        "Whole runs are cancelled by newer ones.",
        "Give the pipeline `concurrency` with cancel-running.",
    ),
    "resource_group": ("Whole runs have a concurrency group.", "Give the pipeline `concurrency`."),
    "coverage": ("Nothing reads figures out of the log.", "Write them to an output."),
    "release": ("Releases are GitLab's.", "Make them by its API in the script."),
    "pages": ("Pages are GitLab's.", "Publish in the script."),
    "secrets": ("Secrets come from the project.", "Name them in `secrets`."),
    "id_tokens": ("A runner has no token of GitLab.", "Name a secret in `secrets`."),
}
