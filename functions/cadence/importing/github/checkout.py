"""Converts actions/checkout: the commit of the run becomes `source`, everything else a clone."""

import re
from collections.abc import Mapping
from typing import Any

from cadence.importing.github.job import GitHubJob
from cadence.importing.shared.shell import EVENT_COMMIT, EVENT_URL, REPOSITORY_PARAMETERS
from cadence.importing.shared.shell import checkout as clone
from cadence.importing.shared.yaml_source import plain

_OWN_REPOSITORY = frozenset({"github.repository", "github.event.pull_request.head.repo.full_name"})
_OWN_COMMIT = frozenset(
    {
        "github.sha",
        "github.ref",
        "github.ref_name",
        "github.head_ref",
        "github.event.pull_request.head.sha",
        "github.event.pull_request.head.ref",
    }
)


def checkout(job: GitHubJob, given: Mapping[str, Any], line: int) -> list[str]:
    """The script lines of a checkout; none but `true` if the treatment's `source` gives the files."""
    own = _is_own(given.get("repository"), _OWN_REPOSITORY) and _is_own(given.get("ref"), _OWN_COMMIT)
    history = plain(given.get("fetch-depth", 1)) != "1"
    submodules = plain(given.get("submodules", "false")) not in ("false", "")
    lfs = plain(given.get("lfs", "false")) == "true"
    _note_options(job, given, line, history=own and history)
    if own and not history and re.fullmatch(r"(\./?)?", plain(given.get("path") or "")):
        options = {key: True for key, wanted in (("submodules", submodules), ("lfs", lfs)) if wanted}
        before = job.treatment.body.get("source")
        job.treatment.body["source"] = {**(before if isinstance(before, dict) else {}), **options} or True
        return ["true"]
    return _cloned(job, given, line, submodules=submodules, lfs=lfs)


def _is_own(value: Any, names: frozenset[str]) -> bool:
    """Whether an option names what the event is about, as its default does."""
    text = plain(value or "").strip()
    inner = re.fullmatch(r"\$\{\{(.*)\}\}", text)
    return not text or (inner is not None and {part.strip() for part in inner[1].split("||")} <= names)


def _note_options(job: GitHubJob, given: Mapping[str, Any], line: int, *, history: bool) -> None:
    for key in ("ssh-key", "token"):
        if given.get(key):
            job.note(
                line, f"actions/checkout with {key}", "Scripts get no credentials of the repository.",
                "If they write to it or clone another one, give the treatment a secret and have git use it.",
            )  # fmt: skip
    if given.get("sparse-checkout"):
        job.note(
            line, "actions/checkout with sparse-checkout", "All files are given.",
            "Write source: {paths: […]} if fewer are wanted.",
        )  # fmt: skip
    if history:
        job.note(
            line, "actions/checkout with fetch-depth", "`source` has no history, so the script clones the repository.",
            "Write source: true if no history is needed; give the parameter repository_url where no push starts the run.",
        )  # fmt: skip


def _cloned(job: GitHubJob, given: Mapping[str, Any], line: int, *, submodules: bool, lfs: bool) -> list[str]:
    folder = job.in_quotes(plain(given.get("path") or "."), line)
    url, commit = EVENT_URL, EVENT_COMMIT
    if not _is_own(given.get("repository"), _OWN_REPOSITORY):
        url, commit = job.in_quotes(f"https://github.com/{plain(given['repository'])}", line), "FETCH_HEAD"
    if not _is_own(given.get("ref"), _OWN_COMMIT):
        commit = job.in_quotes(plain(given["ref"]), line)
    for used, parameter in ((EVENT_URL, "repository_url"), (EVENT_COMMIT, "commit")):
        if used in (url, commit):
            job.draft.parameter(parameter, REPOSITORY_PARAMETERS[parameter])
    lines = clone(url, folder, commit)
    if submodules:
        lines.append(f"git -C {folder} submodule update --init --recursive --quiet")
    if lfs:
        lines.append(f"git -C {folder} lfs pull")
    return lines
