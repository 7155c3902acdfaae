"""A step's settings in Bitbucket Pipelines: image, services, caches, environment, limits, conditions."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cadence.importing.bitbucket.step import BitbucketStep
from cadence.importing.shared.artifacts import within
from cadence.importing.shared.cel import COMMIT_OR_NONE
from cadence.importing.shared.containers import is_image, service_name
from cadence.importing.shared.draft import LONGEST_SECONDS
from cadence.importing.shared.globs import changed
from cadence.importing.shared.names import slug
from cadence.importing.shared.yaml_source import mapping, plain, texts, whole_number

DEFAULT_IMAGE = "atlassian/default-image:latest"
DEFAULT_MINUTES = 120
_OTHER_SYSTEM = re.compile(r"windows|macos", re.IGNORECASE)
_HOME = re.compile(r"^(~|\$HOME|\$\{HOME\}|/root)/")
_CACHES = {
    "composer": "~/.composer/cache",
    "dotnetcore": "~/.nuget/packages",
    "gradle": "~/.gradle/caches",
    "ivy2": "~/.ivy2/cache",
    "maven": "~/.m2/repository",
    "node": "node_modules",
    "pip": "~/.cache/pip",
    "sbt": "~/.sbt",
}


def settings(step: BitbucketStep) -> None:
    """Converts the settings of a step other than its script and its artifacts."""
    _image(step)
    for key in step.body:
        if key in _SETTINGS:
            _SETTINGS[key](step)
        elif key in _LEFT_OUT:
            step.note(step.line(key), key, *_LEFT_OUT[key])
        elif key not in _ELSEWHERE:
            step.note(step.line(key), key, "A treatment has no such setting.", "Do without it.")
    _environment(step)
    _conditions(step)


def _image(step: BitbucketStep) -> None:
    holder = step.body if "image" in step.body else step.file.data
    value = holder.get("image", DEFAULT_IMAGE)
    line = step.file.line(holder, "image") or step.planned.line
    step.treatment.body["image"] = _image_name(step, value, line)
    if step.treatment.body["image"] is None:
        step.never = True
        step.note(line, "image", "It is not known.", "Name the image; until then the treatment has when: false.")
    for key in mapping(value):
        if key in ("username", "password", "email", "aws"):
            step.note(
                line, f"image.{key}", "A login of a registry is a secret of the project.",
                "Name the secret in `registries` of the document.",
            )  # fmt: skip
        elif key != "name":
            step.note(line, f"image.{key}", "An image has no such setting.", "Do without it.")


def _image_name(step: BitbucketStep, value: Any, line: int) -> str | None:
    text = plain(value.get("name") if isinstance(value, dict) else value)
    image = step.text(text, line, "image")
    if image is None or is_image(image):
        return image
    step.note(line, f"the image {text}", "It is not the name of an image.", "Name the image.")
    return None


def _services(step: BitbucketStep) -> None:
    line, services = step.line("services"), {}
    for name in texts(step.body["services"]):
        defined = mapping(step.file.services.get(name))
        if name == "docker":
            step.note(
                line, "services: docker", "Docker in Docker needs a privileged container.", "Build images another way."
            )
        elif "image" not in defined:
            step.note(line, f"services: {name}", "It is not defined in this file.", "Write it by hand.")
        elif (image := _image_name(step, defined["image"], step.file.line(defined, "image") or line)) is not None:
            host = service_name(name)
            memory = whole_number(defined.get("memory"))
            limit = {"memory": memory} if memory is not None and memory > 0 else {}
            services[host] = {"image": image, **_variables(step, name, defined), **limit}
            step.note(
                line, f"services: {name}", "Bitbucket gives services ports of localhost.",
                f"Have the script call the host {host}.",
            )  # fmt: skip
    step.treatment.body["services"] = services


def _variables(step: BitbucketStep, name: str, defined: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key in defined:
        line = step.file.line(defined, key)
        if key in ("variables", "environment"):
            for variable, value in mapping(defined[key]).items():
                text = step.text(plain(value), line, f"services.{name}: {variable}")
                if text is not None:
                    found[variable] = text
        elif key not in ("image", "type", "memory"):
            step.note(line, f"definitions.services.{name}.{key}", "A service has no such setting.", "Do without it.")
    return {"env": found} if found else {}


def _caches(step: BitbucketStep) -> None:
    caches: list[dict[str, Any]] = []
    line = step.line("caches")
    for name in dict.fromkeys(texts(step.body["caches"])):
        defined = step.file.caches.get(name, _CACHES.get(name))
        path = plain(mapping(defined).get("path") if isinstance(defined, dict) else defined)
        if name == "docker" or not path or "$" in _HOME.sub("", path):
            why = "Layers of images are not kept." if name == "docker" else "Its path is not known here."
            step.note(line, f"caches: {name}", why, "Do without it, or write `cache` by hand.")
            continue
        step.home = step.home or _HOME.match(path) is not None
        path = within(_HOME.sub("", path))
        files = texts(mapping(mapping(defined).get("key")).get("files"))
        if any(cache["key"] in (slug(name), f"{slug(name)}-{COMMIT_OR_NONE}") for cache in caches):
            step.note(line, f"caches: {name}", "Another one has the same name here.", "Rename it.")
            continue
        if len(files) > 1:
            step.note(
                line, f"caches: {name}: files", "A treatment fails if one of them matches no file.",
                "Write only files that are there in `files` of the cache.",
            )  # fmt: skip
        if files:
            caches.append({"key": slug(name), "files": files, "paths": [path], "restore": [f"{slug(name)}-"]})
        else:
            caches.append({"key": f"{slug(name)}-{COMMIT_OR_NONE}", "paths": [path], "restore": [f"{slug(name)}-"]})
    if len(caches) > 10:
        step.note(line, f"{len(caches) - 10} caches", "A treatment has at most 10.", "Keep several paths in one.")
    step.treatment.body["cache"] = caches[:10]


def _max_time(step: BitbucketStep) -> None:
    minutes = whole_number(step.body["max-time"])
    if minutes is not None and minutes > 0:
        step.treatment.body["max_duration"] = min(minutes * 60, LONGEST_SECONDS)
    else:
        step.note(step.line("max-time"), "max-time", "It is no number of minutes.", "Write max_duration in seconds.")


def _runs_on(step: BitbucketStep) -> None:
    labels = texts(step.body["runs-on"])
    line, written = step.line("runs-on"), f"runs-on: {', '.join(labels)}"
    if any(_OTHER_SYSTEM.search(label) for label in labels):
        step.never = True
        step.note(
            line, written, "Runners have Linux; the treatment has when: false.",
            "Leave it where it is, or have a script reach such a machine, as by ssh.",
        )  # fmt: skip
        return
    if any("arm64" in label for label in labels):
        step.treatment.body["arch"] = "arm64"
    step.note(
        line, written, "Labels choose runners of Bitbucket.", "Name the pools that have such machines in `pools`."
    )


def _on_fail(step: BitbucketStep) -> None:
    value = step.body["on-fail"]
    strategy = plain(mapping(value).get("strategy") if isinstance(value, dict) else value)
    if strategy == "ignore":
        step.treatment.body["soft_fail"] = True
    elif strategy == "retry":
        most = whole_number(mapping(value).get("max-retry-count"))
        step.treatment.body["retry"] = {"failure": most if most is not None and 0 <= most <= 10 else 1}
    elif strategy != "fail":
        step.note(
            step.line("on-fail"), f"on-fail: {strategy}", "It is not known here.", "Write `soft_fail` or `retry`."
        )


def _environment(step: BitbucketStep) -> None:
    stage = step.planned.stage
    deployment = step.body.get("deployment", stage.get("deployment"))
    name = plain(mapping(deployment).get("name") if isinstance(deployment, dict) else deployment)
    of_stage = step.planned.first_of_stage and stage.get("trigger") == "manual"
    manual = step.body.get("trigger") == "manual" or of_stage
    if not name and not manual:
        return
    name = name or step.treatment.name
    line = step.file.line(step.body, "deployment") or step.planned.line
    step.fixed["BITBUCKET_DEPLOYMENT_ENVIRONMENT"] = name
    step.treatment.body["environment"] = slug(name)
    if manual:
        step.note(
            step.file.line(step.body, "trigger") or line, "trigger: manual", "An environment asks for approvals.",
            f"Make it before the first run: cadence environment create {slug(name)} --approvals 1.",
        )  # fmt: skip
    else:
        step.note(
            line, f"deployment: {name}", "Its variables and restrictions are settings of Bitbucket.",
            f"Make an environment {slug(name)} in the project.",
        )  # fmt: skip


def _conditions(step: BitbucketStep) -> None:
    for holder in (step.planned.stage, step.body):
        condition = holder.get("condition")
        if condition is None:
            continue
        line = step.file.line(holder, "condition") or step.planned.line
        changesets = mapping(mapping(condition).get("changesets"))
        included, excluded = texts(changesets.get("includePaths")), texts(changesets.get("excludePaths"))
        others = (mapping(condition).keys() - {"changesets"}) | (changesets.keys() - {"includePaths", "excludePaths"})
        if others or not (included or excluded):
            step.never = True
            step.note(
                line, f"condition: {', '.join(sorted(others)) or 'none'}", "It cannot be translated.",
                "The treatment has when: false; write `when` by hand.",
            )  # fmt: skip
        else:
            both = [step.condition] if step.condition else []
            step.condition = " && ".join([*both, changed(included, excluded)])


def _clone(step: BitbucketStep) -> None:
    for key in mapping(step.body["clone"]):
        if key not in ("enabled", "depth", "lfs"):
            step.note(step.line("clone"), f"clone.{key}", "`source` has no such setting.", "Do without it.")


_SETTINGS: Mapping[str, Callable[[BitbucketStep], None]] = {
    "services": _services,
    "caches": _caches,
    "max-time": _max_time,
    "runs-on": _runs_on,
    "on-fail": _on_fail,
    "clone": _clone,
}
_ELSEWHERE = frozenset({"name", "image", "script", "after-script", "artifacts", "fail-fast",
                        "deployment", "trigger", "condition"})  # fmt: skip
_LEFT_OUT = {
    "size": ("It is a size of Bitbucket's machines.", "Set `cpu` and `memory` where it matters."),
    "oidc": ("A runner has no token of Bitbucket.", "Write `id_token` with the audience that is meant."),
    "runtime": ("It is a setting of Bitbucket's machines.", "Do without it."),
}
