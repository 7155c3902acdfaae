"""A job's settings: where it runs, its matrix, containers, limits and conditions."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cadence.importing.github.cel import condition
from cadence.importing.github.expressions import GitHubExpressionError
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.matrix import ELSEWHERE, OTHER_SYSTEM, machine_labels
from cadence.importing.github.service_addresses import host_variable, port_variable
from cadence.importing.shared.containers import health_of_options, is_image, ports, service_name
from cadence.importing.shared.draft import LONGEST_SECONDS
from cadence.importing.shared.names import slug
from cadence.importing.shared.yaml_source import mapping, plain, texts

_COMPARES = re.compile("[!=]=")
_IGNORED = frozenset({"name", "needs", "steps", "env", "outputs", "defaults", "secrets", "strategy", "with", "uses"})


def settings(job: GitHubJob) -> None:
    """Converts the settings of a job other than its steps."""
    for key in job.body:
        apply = _SETTINGS.get(key)
        if apply is not None:
            apply(job)
        elif key not in _IGNORED:
            job.note(
                job.line(job.body, key),
                f"{key}",
                "A treatment has no such setting.",
                "Do without, or say it in the script.",
            )


def _runs_on(job: GitHubJob) -> None:
    line = job.line(job.body, "runs-on")
    labels = machine_labels(job)
    described = " ".join(labels)
    arm = re.search(r"\barm64\b|-arm\b|\baarch64\b", described, re.IGNORECASE)
    if arm:
        job.treatment.body["arch"] = "arm64"
    if OTHER_SYSTEM.search(described):
        job.never = True
        job.note(
            line, f"runs-on: {described}", "The system is not Linux; the treatment has when: false.",
            ELSEWHERE,
        )  # fmt: skip
    elif "${{" in described:
        job.note(
            line, f"runs-on: {described}", "Labels are GitHub's.", "Say `pools`, with an expression if they differ."
        )
    elif not all(
        re.fullmatch(r"ubuntu-[a-z0-9.-]+|linux|x64|arm64|self-hosted", label, re.IGNORECASE) for label in labels
    ):
        job.note(
            line, f"runs-on: {described}", "Labels are GitHub's.", "Name the pools that have such machines in `pools`."
        )
    elif "container" not in job.body:
        job.draft.notes.add(
            0, "the tools of GitHub's machines (runs-on)", "They have hundreds; a runner has what its pool or image gives.",
            "Give treatments an image that has what their scripts call.",
        )  # fmt: skip


def _container(job: GitHubJob) -> None:
    value = job.body["container"]
    container = value if isinstance(value, dict) else {"image": value}
    image = _image(job, plain(container.get("image")), job.line(job.body, "container"))
    if image:
        job.treatment.body["image"] = image
    job.variables(mapping(container.get("env")))
    for key in ("credentials", "volumes", "options", "ports"):
        if container.get(key):
            job.note(
                job.line(container, key),
                f"container.{key}",
                "A treatment's container has no such setting.",
                "Do without it.",
            )


def _image(job: GitHubJob, text: str, line: int) -> str | None:
    image = job.translate(text.removeprefix("docker://"), line, "image")
    if image and is_image(image):
        return image
    job.note(line, f"the image {text}", "It is not the name of an image.", "Name the image.")
    return None


def _services(job: GitHubJob) -> None:
    services = mapping(job.body["services"])
    containers: dict[str, Any] = {}
    for name, value in services.items():
        service, line = mapping(value), job.line(services, name)
        image = _image(job, plain(service.get("image")), line)
        if not image:
            continue
        health, rest = health_of_options(plain(service.get("options")))
        env = {
            key: job.translate(plain(v), line, f"services.{name}.env.{key}:")
            for key, v in mapping(service.get("env")).items()
        }
        containers[service_name(name)] = {
            "image": image,
            **({"env": {key: text for key, text in env.items() if text is not None}} if env else {}),
            **({"ports": ports(texts(service.get("ports")))} if service.get("ports") else {}),
            **({"health": health} if health else {}),
        }
        for what in [*rest, *(key for key in ("volumes", "credentials") if service.get(key))]:
            job.note(line, f"services.{name}: {what}", "A service has no such setting.", "Do without it.")
        if "container" not in job.body:
            job.note(
                line, f"services.{name}", "GitHub gives services of such a job ports of localhost.", _call_instead(name, service),
            )  # fmt: skip
    job.treatment.body["services"] = containers


def _call_instead(name: str, service: Mapping[str, Any]) -> str:
    inner = ports(texts(service.get("ports")))
    if not inner:
        return f"List its ports in `ports`, and have what the script calls use ${host_variable(name)}."
    addresses = ", ".join(f"${host_variable(name)}:${port_variable(name, port)}" for port in inner)
    return f"Variables of `env` are converted; have all else that the script calls use {addresses}."


def _condition(job: GitHubJob) -> None:
    text, line = plain(job.body["if"]), job.line(job.body, "if")
    try:
        found = condition(text, replace(job.scope, states=True, outputs=job.outputs_of_needs))
    except GitHubExpressionError as error:
        job.note(
            line, f"if: {text}", f"It cannot be translated: {error}.", "The treatment never runs until its `when` is written by hand."
        )  # fmt: skip
        job.treatment.body["when"] = False
        job.treatment.comments.append(f"was: if: {text}")
        return
    if found.cel in (None, "false") and _COMPARES.search(text):
        job.note(
            line, f"if: {text}", f"GitHub finds it {'false' if found.cel else 'true'} whatever happened, and so does Cadence.",
            "Check whether that was meant: a comparison of true or false with a text never holds.",
        )  # fmt: skip
        job.treatment.comments.append(f"was: if: {text}")
    if found.cel == "false":
        job.treatment.body["when"] = False
    elif found.cel is not None:
        job.treatment.body["when"] = f"${{{{ {found.cel} }}}}"
    if found.settles:
        job.treatment.body.pop("after", None)


def _timeout(job: GitHubJob) -> None:
    value, line = job.body["timeout-minutes"], job.line(job.body, "timeout-minutes")
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        job.treatment.body["max_duration"] = min(max(round(value * 60), 1), LONGEST_SECONDS)
    else:
        job.note(line, f"timeout-minutes: {plain(value)}", "It is not a number.", "Say max_duration in seconds.")


def _environment(job: GitHubJob) -> None:
    value, line = job.body["environment"], job.line(job.body, "environment")
    name = mapping(value).get("name") if isinstance(value, dict) else value
    environment = job.translate(plain(name), line, "environment:")
    if environment:
        job.treatment.body["environment"] = environment if "${{" in environment else slug(environment)
        job.note(
            line, f"environment: {plain(name)}", "Its secrets and reviewers are settings of GitHub.",
            "Make an environment of this name in the project.",
        )  # fmt: skip


def _soft_fail(job: GitHubJob) -> None:
    value, line = job.body["continue-on-error"], job.line(job.body, "continue-on-error")
    if isinstance(value, bool):
        if value:
            job.treatment.body["soft_fail"] = True
        return
    try:
        found = condition(plain(value), job.scope).cel
    except GitHubExpressionError as error:
        job.note(
            line, f"continue-on-error: {plain(value)}", f"It cannot be translated: {error}.", "Say `soft_fail` by hand."
        )  # fmt: skip
        return
    if found is None:
        job.treatment.body["soft_fail"] = True
        return
    job.treatment.body["soft_fail"] = f"${{{{ {found} }}}}"


def _left_out(why: str, todo: str, key: str) -> Any:
    return lambda job: job.note(job.line(job.body, key), key, why, todo)


_SETTINGS: dict[str, Any] = {
    "runs-on": _runs_on,
    "container": _container,
    "services": _services,
    "if": _condition,
    "timeout-minutes": _timeout,
    "environment": _environment,
    "permissions": _left_out(
        "A runner has no token of GitHub.", "Give treatments the secrets that they need.", "permissions"
    ),
    "concurrency": _left_out(
        "Whole runs have a concurrency group.", "Move it to the pipeline, or split that.", "concurrency"
    ),
    "continue-on-error": _soft_fail,
}
