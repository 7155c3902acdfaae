"""Versions of toolchains as tags of images: ranges such as `~1.26.0` name the newest version that they take."""

import json
import re

from cadence.importing.github.expressions import MemberAccess
from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import only_expression
from cadence.importing.shared.yaml_source import mapping

_RANGE = re.compile(r"([~^]?)(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?")


def tag_of(version: str) -> str:
    """Returns the tag of an image for a version or a range of semver; the text itself if it is another one.

    >>> tag_of("~1.26.0"), tag_of("^1.2"), tag_of("^0.3.1"), tag_of("20.x"), tag_of("1.21"), tag_of(">=3.9")
    ('1.26', '1', '0.3', '20', '1.21', '>=3.9')
    """
    match = _RANGE.fullmatch(version.strip())
    if match is None:
        return version
    sign, *numbers = match.groups()
    known: list[str] = []
    for number in numbers:
        if number is None or not number.isdecimal():
            break
        known.append(number)
    if sign == "^":
        return ".".join(known[: 2 if known[0] == "0" else 1])
    return ".".join(known[:2] if sign == "~" else known)


def tag_in(job: GitHubJob, version: str, line: int, where: str) -> str | None:
    """Returns the tag for a version with expressions; an axis of the matrix whose values are ranges gives their tags.

    Returns None, and notes it, if an expression has no counterpart.
    """
    match only_expression(version):
        case MemberAccess(("matrix", str(name))) if ranges := _ranges(job, name):
            axis = f"matrix.{job.scope.axes[name]}"
            tags = "".join(f"{axis} == {json.dumps(one)} ? {json.dumps(tag)} : " for one, tag in ranges.items())
            cel = f'has({axis}) ? ({tags}{axis}) : "latest"' if name in job.scope.partial else f"{tags}{axis}"
            return f"${{{{ {cel} }}}}"
        case _:
            return job.translate(tag_of(version), line, where)


def _ranges(job: GitHubJob, name: str) -> dict[str, str]:
    """The tags of those values of an axis that are ranges."""
    axis, matrix = job.scope.axes.get(name), mapping(job.treatment.body.get("matrix"))
    values = matrix.get(axis) if axis else None
    entries = [entry.get(axis) for entry in matrix.get("include", ())]
    texts = [value for value in [*(values if isinstance(values, list) else ()), *entries] if isinstance(value, str)]
    return {text: tag_of(text) for text in dict.fromkeys(texts) if tag_of(text) != text}
