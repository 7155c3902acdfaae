"""Steps that run an image (`uses: docker://image`) become `docker run`, which is what GitHub's runners call, too."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from cadence.importing.github.job import GitHubJob
from cadence.importing.github.templates import split
from cadence.importing.shared.containers import is_image
from cadence.importing.shared.yaml_source import mapping, plain

PREFIX = "docker://"
_FOLDER = "/github/workspace"
_OF_RUN = ("GITHUB_REF", "GITHUB_REPOSITORY", "GITHUB_SHA")
_OWN = ("args", "entrypoint")


def docker_step(job: GitHubJob, step: Mapping[str, Any], uses: str, line: int) -> list[str] | None:
    """The script lines of a step that runs an image; None if it does not name one."""
    image = uses.removeprefix(PREFIX)
    if not is_image(image):
        return None
    job.note(
        line, f"a step in the image {image}", "A treatment has one image, so the script starts a container.",
        "Place the treatment where Docker is, or have a treatment of its own with this `image`.",
    )  # fmt: skip
    given = mapping(step.get("with"))
    words = ["docker run --rm", f'--volume "$PWD:{_FOLDER}"', f"--workdir {_FOLDER}"]
    words += [f"--env GITHUB_WORKSPACE={_FOLDER}", *(f'--env {name}="${name}"' for name in _OF_RUN)]
    words += [f"--env {name}" for name in job.scope.env if re.fullmatch(r"[A-Za-z_]\w*", name)]
    for key, value in given.items():
        if key not in _OWN:
            name = re.sub(r"\W", "_", key.upper())
            words.append(f"--env INPUT_{name}={_word(job, plain(value), line)}")
    if given.get("entrypoint"):
        words.append(f"--entrypoint {_word(job, plain(given['entrypoint']), line)}")
    return [" ".join([*words, image, *_arguments(job, plain(given.get("args")), line)])]


def _arguments(job: GitHubJob, text: str, line: int) -> list[str]:
    """The words of `args`. As on GitHub, only double quotes keep blanks within a word; no shell reads them."""
    expressions = split(text)[1::2]
    marked = "".join(
        part if index % 2 == 0 else f"\0{index // 2}\0" for index, part in enumerate(split(text.replace("\0", "")))
    )
    reader = shlex.shlex(marked, posix=True)
    reader.whitespace_split, reader.commenters, reader.quotes, reader.escape = True, "", '"', ""
    try:
        words = list(reader)
    except ValueError:  # a quote without its second one
        words = marked.split()
    return [
        _word(job, re.sub("\0(\\d+)\0", lambda found: f"${{{{{expressions[int(found[1])]}}}}}", word), line)
        for word in words
    ]


def _word(job: GitHubJob, text: str, line: int) -> str:
    """A text as one word, in which the shell expands nothing but the variables of expressions."""
    parts = split(text)
    words = [
        (shlex.quote(part) if part else "") if index % 2 == 0 else job.in_quotes(f"${{{{{part}}}}}", line)
        for index, part in enumerate(parts)
    ]
    return "".join(words) or "''"
