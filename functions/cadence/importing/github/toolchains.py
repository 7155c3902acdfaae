"""Images for actions that install a toolchain: what the action takes for a version, as a tag of the image."""

import json
import re
from collections.abc import Iterable, Mapping

from cadence.importing.github.expressions import MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression
from cadence.importing.shared.yaml_source import mapping, plain

_RANGE = re.compile(r"([~^]?)(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?")
_ALIASES = {
    ("golang", "stable"): "latest",
    ("rust", "stable"): "latest",
    ("node", "lts/*"): "lts",
    ("node", "node"): "current",
}
_PYPY = re.compile(r"pypy-?(\d+\.\d+)")
_WITHOUT_IMAGE = re.compile(
    r"(golang:oldstable|python:\d[\d.]*(t|-dev)|ruby:(head|debug|\w*ruby.*)|rust:(beta|nightly).*)"
)
_NIGHTLY = "rustlang/rust:nightly"
_DOTNET = "mcr.microsoft.com/dotnet/sdk"


def image_of(name: str, version: str) -> str:
    """Returns the image for a version, an alias or a range of semver, of which it is the newest version.

    >>> image_of("golang", "~1.26.0"), image_of("golang", "^1.21"), image_of("node", "^0.3.1"), image_of("node", "20.x")
    ('golang:1.26', 'golang:1', 'node:0.3', 'node:20')
    >>> image_of("golang", "stable"), image_of("node", "lts/iron"), image_of("python", "pypy-3.11")
    ('golang:latest', 'node:iron', 'pypy:3.11')
    >>> image_of("rust", "nightly"), image_of("mcr.microsoft.com/dotnet/sdk", "8.x")
    ('rustlang/rust:nightly', 'mcr.microsoft.com/dotnet/sdk:8.0')
    >>> image_of("python", ">=3.9")
    'python:>=3.9'
    """
    version = version.strip()
    if (name, version) == ("rust", "nightly"):
        return _NIGHTLY
    if name == "python" and (pypy := _PYPY.fullmatch(version)):
        return f"pypy:{pypy[1]}"
    if (match := _RANGE.fullmatch(version)) is None:
        return f"{name}:{_ALIASES.get((name, version), version.removeprefix('lts/'))}"
    sign, *numbers = match.groups()
    known: list[str] = []
    for number in numbers:
        if number is None or not number.isdecimal():
            break
        known.append(number)
    if name == _DOTNET and len(known) == 1:
        known.append("0")
    kept = {"": 3, "~": 2, "^": 2 if known[0] == "0" else 1}[sign] if known else 0
    return f"{name}:{'.'.join(known[:kept]) or 'latest'}"


def image_in(job: GitHubJob, name: str, version: str, line: int) -> str | None:
    """Returns the image for a version with expressions: of an axis of the matrix, that for each of its values.

    Returns None, and notes it, if an expression has no counterpart. Notes versions that no image has.
    """
    match only_expression(version):
        case MemberAccess(("matrix", str(axis))) if axis in job.scope.axes:
            images = {value: image_of(name, value) for value in _values(job, job.scope.axes[axis])}
            _note_missing(job, images.values(), line)
            others = {value: image for value, image in images.items() if image != f"{name}:{value}"}
            if others:
                return _by_axis(name, f"matrix.{job.scope.axes[axis]}", others, partial=axis in job.scope.partial)
        case None if "${{" not in version:
            _note_missing(job, [image_of(name, version)], line)
            return image_of(name, version)
        case _:
            pass
    tag = job.translate(version.removesuffix(".x"), line, f"the version of {name}:")
    return None if tag is None else f"{name}:{tag}"


def _by_axis(name: str, axis: str, images: Mapping[str, str], *, partial: bool) -> str:
    """An expression of the image: those of `images` for their values of the axis, else `name` with the value."""
    chosen = "".join(f"{axis} == {json.dumps(value)} ? {json.dumps(image)} : " for value, image in images.items())
    cel = f'{chosen}"{name}:" + string({axis})'
    return f'${{{{ has({axis}) ? ({cel}) : "{name}:latest" }}}}' if partial else f"${{{{ {cel} }}}}"


def _values(job: GitHubJob, axis: str) -> list[str]:
    matrix = mapping(job.treatment.body.get("matrix"))
    values = matrix.get(axis)
    found = [*(values if isinstance(values, list) else ()), *(entry.get(axis) for entry in matrix.get("include", ()))]
    return list(dict.fromkeys(plain(value) for value in found if isinstance(value, str | int | float)))


def _note_missing(job: GitHubJob, images: Iterable[str], line: int) -> None:
    for image in images:
        if _WITHOUT_IMAGE.fullmatch(image):
            job.note(
                line, f"the image {image}", "It is not published: what the action installs has no image.",
                "Name an image that has it, or leave this version out.",
            )  # fmt: skip
