"""Converts well-known actions: checkout, artifacts, caches, toolchains."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from cadence.importing.github.checkout import checkout
from cadence.importing.github.common_actions import COMMON
from cadence.importing.github.docker_steps import PREFIX, docker_step
from cadence.importing.github.job import Artifact, GitHubJob
from cadence.importing.github.templates import split
from cadence.importing.github.toolchains import image_in
from cadence.importing.shared.artifacts import within
from cadence.importing.shared.cel import COMMIT_OR_NONE
from cadence.importing.shared.names import slug
from cadence.importing.shared.shell import NOT_CARRIED_OVER, quoted
from cadence.importing.shared.yaml_source import mapping, plain

_TOOLCHAINS = {
    "actions/setup-python": ("python-version", "python"),
    "actions/setup-node": ("node-version", "node"),
    "actions/setup-go": ("go-version", "golang"),
    "actions/setup-java": ("java-version", "eclipse-temurin"),
    "ruby/setup-ruby": ("ruby-version", "ruby"),
    "shivammathur/setup-php": ("php-version", "php"),
    "dtolnay/rust-toolchain": ("toolchain", "rust"),
    "actions-rs/toolchain": ("toolchain", "rust"),
    "actions-rust-lang/setup-rust-toolchain": ("toolchain", "rust"),
    "actions/setup-dotnet": ("dotnet-version", "mcr.microsoft.com/dotnet/sdk"),
    "denoland/setup-deno": ("deno-version", "denoland/deno"),
    "oven-sh/setup-bun": ("bun-version", "oven/bun"),
}
_DEFAULT_VERSIONS = {"rust": "latest", "denoland/deno": "latest", "oven/bun": "latest"}
_RUST_OF_ACTION = re.compile(r"[^@]+@(stable|(?:beta|nightly)[-\d]*|\d+\.\d+(?:\.\d+)?)")
"""The version of Rust that the name of the action has."""
_HASH = re.compile(r"\$\{\{\s*hashFiles\(((?:(?!\$\{\{)[^)])*)\)\s*\}\}")
_FILE = re.compile(r"""'(?!!|/|~|\.\./)[^'$]+'""")
_GLOB = re.compile(r"[*?\[]")


def action(job: GitHubJob, step: Mapping[str, Any], uses: str, line: int) -> list[str]:
    """The script lines for a step that uses an action; its ports and caches are added to the treatment."""
    name = uses.partition("@")[0].removesuffix("/")
    given = mapping(step.get("with"))
    if name.lower() == "actions/upload-artifact":
        return _upload(job, given, line, sometimes=_asks(plain(step.get("if"))))
    known = _KNOWN.get(name.lower()) or COMMON.get(name.lower())
    if known is not None:
        return known(job, given, line)
    if name.lower() in _TOOLCHAINS:
        if name.lower() == "dtolnay/rust-toolchain" and (version := _RUST_OF_ACTION.fullmatch(uses)):
            given = {"toolchain": version[1], **given}
        return _toolchain(job, name.lower(), given, line)
    if uses.startswith(PREFIX) and (lines := docker_step(job, step, uses, line)):
        return lines
    job.note(
        line, f"uses: {uses}", "Actions are programs of GitHub's runners; Cadence runs scripts.",
        "Do what it does by commands, or leave it out if it is not needed.",
    )  # fmt: skip
    return _left_out(uses)


def _left_out(what: str) -> list[str]:
    return [f"# {' '.join(what.split())} {NOT_CARRIED_OVER}."]


def _asks(condition: str) -> bool:
    """Whether a condition asks for more than how the steps before ended."""
    return bool(re.sub(r"(success|failure|always|cancelled)\(\)|\$\{\{|\}\}|[!|&()\s]", "", condition))


def _upload(job: GitHubJob, given: Mapping[str, Any], line: int, *, sometimes: bool) -> list[str]:
    """Gives the treatment an output. That of a step that runs `sometimes` is an archive, empty if it did not run."""
    name = plain(given.get("name", "artifact"))
    paths = [job.in_script(path.strip(), line) for path in plain(given.get("path")).splitlines() if path.strip()]
    if not paths:
        job.note(line, f"the artifact {name}", "It has no path.", "Say what to keep.")
        return ["true"]
    for key in ("retention-days", "if-no-files-found"):
        if key in given:
            job.note(
                line,
                f"{key} of the artifact {name}",
                "Values are kept as long as their run.",
                "Nothing, if that is enough.",
            )
    wanted = "".join(split(name)[::2])
    plain_path = (
        paths[0] if len(paths) == 1 and "$" not in paths[0] and not paths[0].startswith(("!", "/", "~")) else None
    )
    if plain_path is not None and not sometimes:
        path = plain_path.removeprefix("./")
        if not _GLOB.search(path) and "." not in path.rstrip("/").rpartition("/")[2]:
            path = path.rstrip("/") + "/"
        port = job.treatment.output(wanted, {"type": "Stream<byte>", "path": path or "./"})
        single = not _GLOB.search(path) and not path.endswith("/") and path != ""
        _publish(job, name, Artifact(port, path.rpartition("/")[2] if single else ""), line)
        return ["true"]
    file = f"artifact-{slug(wanted)}.tar"
    port = job.treatment.output(wanted, {"type": "Stream<byte>", "path": file})
    _publish(job, name, Artifact(port, file, packed=True), line)
    if sometimes:
        job.beginning.append(f"tar -cf {file} --files-from /dev/null")
    kept = [path for path in paths if not path.startswith("!")]
    dropped = [f"--exclude={quoted(path[1:])}" for path in paths if path.startswith("!")]
    return [" ".join(["tar", "-cf", file, *dropped, *(path.replace(" ", "\\ ") for path in kept)])]


def _publish(job: GitHubJob, name: str, artifact: Artifact, line: int) -> None:
    if "${{" in name and (artifact.packed or not artifact.restored):  # of single files the validation warns
        job.note(
            line, f"the artifact {name}",
            "Who takes it gets the files of all instances of the matrix; those of the same name replace one another.",
            "Give files different names, or the consumer the same matrix.",
        )  # fmt: skip
    job.artifacts["".join(split(name)[::2]) if "${{" in name else name] = artifact


def _download(job: GitHubJob, given: Mapping[str, Any], line: int) -> list[str]:
    for key in ("github-token", "repository", "run-id"):
        if key in given:
            job.note(
                line, f"download-artifact with {key}", "Values come from the same run only.", "Fetch it in the script."
            )
            return _left_out(f"download-artifact with {key}")
    folder = job.in_script(plain(given.get("path", ".")), line)
    name = "".join(split(plain(given["name"]))[::2]) if given.get("name") else None
    pattern = "*".join(split(plain(given["pattern"]))[::2]) if given.get("pattern") else None
    matching = [
        key for key in job.available if key == name or (name is None and (pattern is None or fnmatchcase(key, pattern)))
    ]
    if not matching:
        job.note(
            line, f"the artifact {name or pattern or 'of any name'}", "No job that this one needs uploads such an artifact.",
            "Connect an input of the treatment to the output that has it.",
        )  # fmt: skip
    apart = name is None and plain(given.get("merge-multiple", "false")) != "true"
    lines = []
    for key in matching:
        lines += _restore(job, key, "/".join([folder, slug(key)]) if apart else folder, line)
    return lines or (["true"] if matching else _left_out("download-artifact"))


def _restore(job: GitHubJob, name: str, folder: str, line: int) -> list[str]:
    producer, artifact = job.available[name]
    grouped = "matrix" in producer.body  # their archives arrive one after another, as one file
    if grouped and not artifact.restored:
        artifact = Artifact(artifact.port, f"artifact-{slug(name)}.tar", packed=True)
    if "$" in folder or folder.startswith(("/", "~")):
        job.note(
            line,
            f"the path of the artifact {name}",
            "It has to be known, and within the working directory.",
            "Write it out.",
        )
        folder = "."
    place = "" if folder in (".", "./") else f"{within(folder).rstrip('/')}/"
    path = artifact.restored if artifact.packed else place + artifact.restored or "./"
    if job.treatment.restores(path):
        if not artifact.packed:
            job.note(
                line, f"the artifact {name}", f"Another one is at {path} already.", "Give one of them another path."
            )
    else:
        port = job.treatment.input(name, {"type": "Stream<byte>", "path": path})
        job.draft.connect(producer, artifact.port, job.treatment, port)
    if not artifact.packed:
        return []
    return [
        f"mkdir -p {quoted(place or '.')} && tar {'-xif' if grouped else '-xf'} {artifact.restored} -C {quoted(place or '.')}"
    ]


def _cache(job: GitHubJob, given: Mapping[str, Any], line: int) -> list[str]:
    key = plain(given.get("key"))
    hashed = _HASH.search(key) is not None
    files = _hashed_files(job, key, line) if hashed else []
    cache_key = job.translate(re.sub(r"[-_]$", "", _HASH.sub("", key)) or "cache", line, "cache key")
    paths = [_cached_path(job, path.strip(), line) for path in plain(given.get("path")).splitlines() if path.strip()]
    if cache_key is None or not paths:
        return ["true"]
    cache_key = cache_key.replace("--", "-").strip("-")
    restore = [
        job.translate(prefix.strip(), line, "restore-keys")
        for prefix in plain(given.get("restore-keys")).splitlines()
        if prefix.strip()
    ]
    cache = {
        "key": f"{cache_key}-{COMMIT_OR_NONE}" if hashed and not files else cache_key,
        "files": files,
        "paths": list(dict.fromkeys(paths)),
        "restore": list(dict.fromkeys(prefix for prefix in restore if prefix)),
    }
    job.treatment.body.setdefault("cache", []).append({name: value for name, value in cache.items() if value})
    return ["true"]


def _hashed_files(job: GitHubJob, key: str, line: int) -> list[str]:
    """The patterns of files whose content is part of a key; none, and a note, if the key is to have the commit."""
    words = [word.strip() for match in _HASH.findall(key) for word in match.split(",") if word.strip()]
    files = [within(word[1:-1]) for word in words if _FILE.fullmatch(word)]
    if len(files) < len(words):
        why, todo = "Only names and patterns of files in the repository can be part of a key.", "Say `files`"
    elif not job.treatment.body.get("source"):
        why, todo = "The script clones the files after the key is needed.", "Say `source: true` and `files`"
    else:
        if len(files) > 1:
            job.note(
                line, f"hashFiles of {len(files)} patterns", "A pattern that matches no file fails the treatment.",
                "Leave out of `files` what is not in every commit.",
            )  # fmt: skip
        return list(dict.fromkeys(files))
    job.note(line, "hashFiles", f"{why} Each commit has an entry of its own now.", f"{todo} to share entries.")
    return []


def _cached_path(job: GitHubJob, path: str, line: int) -> str:
    if path.startswith("~/"):
        job.home = True
        return path[2:]
    if path.startswith("/") or "${{" in path:
        job.note(
            line,
            f"the cached path {path}",
            "Caches are kept from within the working directory.",
            "Have the tool write there.",
        )
    return within("".join(split(path)[::2]))


def _toolchain(job: GitHubJob, name: str, given: Mapping[str, Any], line: int) -> list[str]:
    key, image = _TOOLCHAINS[name]
    version = plain(given.get(key) or _DEFAULT_VERSIONS.get(image) or _newest(job, name, key, given, line))
    if given.get("cache"):
        job.note(
            line,
            f"{name} with cache",
            "The action knows the tool's folders; Cadence does not.",
            "Add a cache to the treatment.",
        )
    found = image_in(job, image, version, line) if version else None
    if (
        job.treatment.body.get("image")
        or found is None
        or not re.fullmatch(r"[A-Za-z0-9._/:-]+|.*\$\{\{.*\}\}.*", found)
    ):
        job.note(
            line, f"{name} {version}".strip(), "A treatment has one image, and its version has to be known.",
            "Choose an image that has all the tools, or install this one in the script.",
        )  # fmt: skip
        return ["true"]
    job.treatment.body["image"] = found
    job.treatment.comments.append(f"The image is there for {name}.")
    return ["true"]


def _newest(job: GitHubJob, name: str, key: str, given: Mapping[str, Any], line: int) -> str:
    """The tag of the newest image, for an action that reads the version in a file, or takes what the machine has."""
    source = plain(given.get(f"{key}-file")) or "the machine"
    job.note(
        line, f"{name} without {key}", f"The version is that of {source}; the image has the newest one.",
        "Write the version in `image` if it has to be another one.",
    )  # fmt: skip
    return "latest"


_KNOWN: dict[str, Callable[[GitHubJob, Mapping[str, Any], int], list[str]]] = {
    "actions/checkout": checkout,
    "actions/download-artifact": _download,
    "actions/cache": _cache,
    "actions/cache/restore": _cache,
    "actions/cache/save": lambda _job, _given, _line: ["true"],
}
