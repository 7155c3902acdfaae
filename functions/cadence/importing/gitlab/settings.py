"""A job's settings in GitLab CI: image, services, caches, limits."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cadence.importing.gitlab.job import GitLabJob
from cadence.importing.gitlab.variables import value_of
from cadence.importing.shared.artifacts import within
from cadence.importing.shared.containers import is_image, service_name
from cadence.importing.shared.draft import LONGEST_SECONDS
from cadence.importing.shared.names import slug
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts, whole_number

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
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


def settings(job: GitLabJob) -> None:
    """Converts the settings of a job other than its order, conditions and artifacts."""
    for key in job.body:
        if key in _SETTINGS:
            _SETTINGS[key](job)
        elif key in _LEFT_OUT:
            job.note(job.line(key), key, *_LEFT_OUT[key])
        elif key not in _ELSEWHERE:
            job.note(job.line(key), key, "A treatment has no such setting.", "Do without it.")


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
    image = job.text(text, line, "image")
    if image is None or is_image(image):
        return image
    job.note(line, f"the image {text}", "It is not the name of an image.", "Name the image.")
    return None


def _services(job: GitLabJob) -> None:
    services: dict[str, Any] = {}
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
        services[name] = {
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
    job.treatment.body["services"] = services


def _cache(job: GitLabJob) -> None:
    caches = []
    for entry in listed(job.body["cache"]):
        cache, line = mapping(entry), job.line("cache")
        paths = [_known_part(path) for path in _known(job, texts(cache.get("paths")), line, "cache path")]
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
            one["files"] = [_known_part(file) for file in files]
        one["paths"] = paths
        restore = _known(job, texts(cache.get("fallback_keys")), line, "fallback_keys")
        if restore:
            one["restore"] = restore
        caches.append(one)
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
    job.treatment.body["cache"] = caches[0] if len(caches) == 1 else caches


def _known(job: GitLabJob, found: list[str], line: int, where: str) -> list[str]:
    return [text for item in found if (text := job.text(item, line, where)) is not None]


def _known_part(path: str) -> str:
    return within(re.sub(r"\$\{\{(?:(?!\$\{\{).)*?\}\}/?", "", path))


def _exit_codes(settings: Mapping[str, Any]) -> list[int]:
    codes = map(whole_number, listed(settings.get("exit_codes")))
    return [code for code in codes if code is not None and 0 < code < 256]


def _retry(job: GitLabJob) -> None:
    value = job.body["retry"]
    settings = value if isinstance(value, dict) else {"max": value}
    most = whole_number(settings.get("max", 0))
    if most is None or not 0 <= most <= 10:
        job.note(job.line("retry"), "retry", "It is not a number from 0 to 2.", "Say `retry` by hand.")
        return
    causes = texts(settings.get("when")) or ["always"]
    retry: dict[str, Any] = {}
    for cause in causes:
        retry.update(dict.fromkeys(_RETRY_CAUSES.get(cause, ()), most))
        if cause not in _RETRY_CAUSES:
            job.note(
                job.line("retry"), f"retry when {cause}", "It is no cause that Cadence tells apart.", "Choose another."
            )
    codes = _exit_codes(settings)
    if codes:
        retry |= {"failure": most, "exit_codes": codes}
    if most and retry:
        job.treatment.body["retry"] = retry


def _soft_fail(job: GitLabJob) -> None:
    value = job.body["allow_failure"]
    codes = _exit_codes(mapping(value))
    if codes:
        job.treatment.body["soft_fail"] = {"exit_codes": codes}
    elif value is True:
        job.treatment.body["soft_fail"] = True
    elif value is not False:
        job.note(
            job.line("allow_failure"), "allow_failure", "It is neither true, false nor exit codes.", "Say `soft_fail`."
        )


def _timeout(job: GitLabJob) -> None:
    text = plain(job.body["timeout"])
    parts = re.findall(r"(\d+)\s*([a-z]*)", text.lower())
    seconds = sum(int(number[:12]) * _UNITS.get(unit[:1] or "s", 0) for number, unit in parts if unit[:2] != "mo")
    if seconds > 0:
        job.treatment.body["max_duration"] = min(seconds, LONGEST_SECONDS)
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
    "allow_failure": _soft_fail,
    "environment": _environment,
}
_ELSEWHERE = frozenset({"script", "before_script", "after_script", "variables", "stage", "needs", "dependencies", "artifacts", "rules",
                        "only", "except", "when", "parallel", "inherit", "trigger", "extends", "start_in"})  # fmt: skip
_LEFT_OUT = {
    "tags": ("Tags choose GitLab's runners.", "Name the pools that have such machines in `pools`."),
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
