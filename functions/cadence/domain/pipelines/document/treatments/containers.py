"""Checks a treatment's image, services, volumes, caches and reports, beyond their shape."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cadence.domain.pipelines.document.connections.ports import path_fault
from cadence.domain.pipelines.document.draft import Draft, DraftTreatment, mapping, texts
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Path, Problems
from cadence.domain.pipelines.document.treatments.reports import reports_problems
from cadence.domain.pipelines.document.wording import suggestion
from cadence.domain.shared.display import shown

_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")


def check_containers(draft: Draft, problems: Problems) -> None:
    """Adds a problem for each image, volume, service, cache or report that cannot work."""
    for body in draft.bodies():
        keys = body.body.keys()
        if "image" in keys:
            problems.add_all(_image(body, body.body["image"], ("image",)))
        if "volumes" in keys:
            problems.add_all(_volumes(body))
        if "services" in keys:
            problems.add_all(_services(body))
        if "reports" in keys:
            problems.add_all(reports_problems(body))
        if "cache" in keys:
            problems.add_all(_caches(body))


def _image(body: DraftTreatment, image: Any, keys: tuple[str | int, ...]) -> Iterator[DocumentProblem]:
    if isinstance(image, str) and "@" in image and "${{" not in image and _DIGEST.fullmatch(image) is None:
        message = f"{shown(image)} is no image with a digest."
        hint = "A digest is sha256: and 64 hexadecimal digits: name@sha256:…"
        yield body.problem(Code.WRONG_FORM, message, keys, hint)


def _volumes(body: DraftTreatment) -> Iterator[DocumentProblem]:
    if "image" not in body.body and body.section == "treatments":
        message = f"The volumes of {body.words} need a container to be mounted in."
        yield body.problem(Code.IMAGE_NEEDED, message, ("volumes",), "Give the treatment an image.", at_key=True)
    yield from _mounts(body, body.body["volumes"], ("volumes",))


def _mounts(body: DraftTreatment, volumes: Any, keys: Path) -> Iterator[DocumentProblem]:
    taken: dict[str, str] = {}
    for volume, place in mapping(volumes).items():
        if not isinstance(place, str):
            continue
        if ".." in place.split("/") or place.strip("/") == "":
            message = f"The volume {shown(volume)} cannot be mounted at {shown(place)}."
            yield body.problem(Code.BAD_PATH, message, (*keys, volume), "Write an absolute path below /, without ..")
        elif taken.setdefault(place.rstrip("/"), volume) != volume:
            message = f"The volumes {shown(taken[place.rstrip('/')])} and {shown(volume)} are mounted at the same path."
            yield body.problem(Code.BAD_PATH, message, (*keys, volume), "Choose another path for one of them.")


def _services(body: DraftTreatment) -> Iterator[DocumentProblem]:
    declared = mapping(body.body.get("volumes"))
    taken: dict[int, str] = {}
    for name, service in mapping(body.body["services"]).items():
        keys = ("services", name)
        if not isinstance(service, dict):
            continue
        yield from _image(body, service.get("image"), (*keys, "image"))
        if name == "localhost":
            message = "A service cannot be named localhost: that is the treatment itself."
            yield body.problem(Code.BAD_SERVICE, message, keys, "Choose another name.", at_key=True)
        for volume in mapping(service.get("volumes")):
            if volume not in declared:
                message = f"The service {shown(name)} mounts the volume {shown(volume)}, which is not declared."
                hint = suggestion(volume, declared) or f"Declare it: volumes: {{{volume}: /path}}."
                yield body.problem(Code.UNKNOWN_VOLUME, message, (*keys, "volumes", volume), hint, at_key=True)
        yield from _mounts(body, service.get("volumes"), (*keys, "volumes"))
        yield from _health(body, service, keys)
        yield from _ports_taken(body, name, service, taken)


def _health(body: DraftTreatment, service: Mapping[str, Any], keys: Path) -> Iterator[DocumentProblem]:
    health = mapping(service.get("health"))
    interval, timeout = health.get("interval", 2), health.get("timeout", 60)
    if isinstance(interval, int) and isinstance(timeout, int) and interval > timeout:
        message = f"The service {shown(str(keys[-1]))} is asked every {interval} s, but has only {timeout} s to become healthy."
        yield body.problem(Code.BAD_SERVICE, message, (*keys, "health"), "Make the timeout longer than the interval.")


def _ports_taken(
    body: DraftTreatment, name: str, service: Mapping[str, Any], taken: dict[int, str]
) -> Iterator[DocumentProblem]:
    """Yields a problem for each port that two services share: a treatment's services are in one network."""
    ports = service.get("ports")
    for index, port in enumerate(ports if isinstance(ports, list) else []):
        if isinstance(port, int) and taken.setdefault(port, name) != name:
            message = (
                f"The services {shown(taken[port])} and {shown(name)} both have port {port}, but share one network."
            )
            hint = "Let one of them listen on another port."
            yield body.problem(Code.BAD_SERVICE, message, ("services", name, "ports", index), hint)


def _caches(body: DraftTreatment) -> Iterator[DocumentProblem]:
    written = body.body["cache"]
    caches: list[tuple[Path, Any]] = [(("cache",), written)]
    if isinstance(written, list):
        caches = [(("cache", index), item) for index, item in enumerate(written)]
    known_keys: dict[Any, Path] = {}
    for keys, item in caches:
        cache = mapping(item)
        for part in ("paths", "files"):
            for index, place in texts(cache.get(part)):
                fault = path_fault(place)
                if fault is not None:
                    hint = "Write it relative to the working directory, without .."
                    message = f"The path {shown(place)} of a cache {fault}."
                    yield body.problem(Code.BAD_PATH, message, (*keys, part, index), hint)
        key = cache.get("key")
        if isinstance(key, str) and known_keys.setdefault((key, str(cache.get("files"))), keys) != keys:
            message = f"Two caches of {body.words} have the key {shown(key)}."
            yield body.problem(Code.CONTRADICTION, message, (*keys, "key"), "List the paths of both in one.")
