"""Converts actions that many workflows use into the commands that do the same."""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from cadence.importing.github.job import GitHubJob
from cadence.importing.shared.yaml_source import plain

Given = Mapping[str, Any]
Convert = Callable[[GitHubJob, Given, int], list[str]]

_NOTHING = ["true"]


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n,]", text) if line.strip()]


def _nothing(job: GitHubJob, given: Given, line: int) -> list[str]:
    """The action prepares or reports what has no counterpart and is not needed."""
    return _NOTHING


def _rust_cache(job: GitHubJob, given: Given, line: int) -> list[str]:
    job.home = True
    prefix = re.sub(r"\$\{\{.*?\}\}", "", plain(given.get("prefix-key", given.get("shared-key", "")))).strip(" -")
    key = "-".join(part for part in ("rust", prefix, job.treatment.name) if part)
    commit = '${{ has(event.commit) ? event.commit : "none" }}'
    job.treatment.body.setdefault("cache", []).append(
        {"key": f"{key}-{commit}", "paths": [".cargo/registry", ".cargo/git", "target"], "restore": [f"{key}-"]}
    )
    return ['echo "CARGO_HOME=$HOME/.cargo" >> "$GITHUB_ENV"']


def _install_tools(job: GitHubJob, given: Given, line: int) -> list[str]:
    tools = _words(job.in_script(plain(given.get("tool")), line))
    return [f"cargo install --locked {' '.join(tools)}"] if tools else _NOTHING


def _setup_uv(job: GitHubJob, given: Given, line: int) -> list[str]:
    version = plain(given.get("version", ""))
    address = f"https://astral.sh/uv/{f'{version}/' if re.fullmatch(r'[0-9.]+', version) else ''}install.sh"
    lines = [
        f'curl -LsSf {address} | env UV_INSTALL_DIR="$HOME/.local/bin" sh',
        'echo "$HOME/.local/bin" >> "$GITHUB_PATH"',
    ]
    if given.get("python-version"):
        lines.append(f'echo "UV_PYTHON="{job.in_quotes(plain(given["python-version"]), line)} >> "$GITHUB_ENV"')
    return lines


def _pnpm(job: GitHubJob, given: Given, line: int) -> list[str]:
    version = plain(given.get("version", ""))
    return [f"npm install --global pnpm{f'@{shlex.quote(version)}' if version else ''}"]


def _docker_login(job: GitHubJob, given: Given, line: int) -> list[str]:
    user, password = (job.in_quotes(plain(given.get(key)), line) for key in ("username", "password"))
    registry = job.in_quotes(plain(given["registry"]), line) if given.get("registry") else ""
    return [f"printf %s {password} | docker login --username {user} --password-stdin {registry}".rstrip()]


def _buildx(job: GitHubJob, given: Given, line: int) -> list[str]:
    return ["docker buildx create --use"]


def _qemu(job: GitHubJob, given: Given, line: int) -> list[str]:
    return ["docker run --privileged --rm tonistiigi/binfmt --install all"]


def _docker_build(job: GitHubJob, given: Given, line: int) -> list[str]:
    def quoted(text: str) -> str:
        return job.in_quotes(text, line)

    words = ["docker buildx build"]
    for key, option in (("file", "--file"), ("target", "--target"), ("platforms", "--platform")):
        if given.get(key):
            words.append(f"{option} {quoted(plain(given[key]))}")
    for key, option in (("tags", "--tag"), ("build-args", "--build-arg"), ("labels", "--label")):
        values = plain(given.get(key, ""))
        words += [
            f"{option} {quoted(value)}" for value in (_lines(values) if key == "tags" else values.splitlines()) if value
        ]
    push = plain(given.get("push", "false"))
    if push == "true":
        words.append("--push")
    elif push != "false":
        job.note(line, f"push: {push}", "A command is the same in each run.", "Add --push where it is meant.")
    words += ["--load"] if plain(given.get("load", "false")) == "true" else []
    for key in ("cache-from", "cache-to", "secrets", "outputs", "provenance", "sbom"):
        if given.get(key) not in (None, False):
            job.note(line, f"docker/build-push-action with {key}", "It is not converted.", "Add it to the command.")
    return [" ".join([*words, quoted(plain(given.get("context", ".")))])]


def _codecov(job: GitHubJob, given: Given, line: int) -> list[str]:
    token = f"CODECOV_TOKEN={job.in_quotes(plain(given['token']), line)} " if given.get("token") else ""
    files = "".join(f" --file {job.in_quotes(file, line)}" for file in _lines(plain(given.get("files", ""))))
    flags = "".join(f" --flag {job.in_quotes(flag, line)}" for flag in _lines(plain(given.get("flags", ""))))
    lines = [
        "curl -fsSLo codecov https://cli.codecov.io/latest/linux/codecov && chmod +x codecov",
        f"{token}./codecov upload-process{files}{flags}",
    ]
    if plain(given.get("fail_ci_if_error", "false")) == "true":
        return lines
    return [f"{lines[0]} &&", f"  {lines[1]} ||", "  echo 'The upload to Codecov failed.' >&2"]


def _release(job: GitHubJob, given: Given, line: int) -> list[str]:
    job.note(
        line, "action-gh-release", "The release is made by the program gh.",
        "Have gh in the image, and give the treatment a secret GH_TOKEN that may write releases.",
    )  # fmt: skip
    tag = job.in_quotes(plain(given.get("tag_name") or "${{ github.ref_name }}"), line)
    files = " ".join(job.in_script(file, line) for file in _lines(plain(given.get("files", ""))))
    options = [
        option for key, option in (("draft", "--draft"), ("prerelease", "--prerelease")) if given.get(key) is True
    ]
    return [" ".join(["gh release create", tag, *options, "--generate-notes", files]).rstrip()]


def _golangci(job: GitHubJob, given: Given, line: int) -> list[str]:
    version = plain(given.get("version", "latest"))
    wanted = f" {version}" if re.fullmatch(r"v[0-9.]+", version) else ""
    address = "https://raw.githubusercontent.com/golangci/golangci-lint/HEAD/install.sh"
    lines = [f'curl -sSfL {address} | sh -s -- -b "$(go env GOPATH)/bin"{wanted}']
    folder = plain(given.get("working-directory", ""))
    lines += [f"cd {job.in_quotes(folder, line)}"] if folder else []
    return [
        *lines,
        f'"$(go env GOPATH)/bin/golangci-lint" run {job.in_script(plain(given.get("args", "")), line)}'.rstrip(),
    ]


def _pypi(job: GitHubJob, given: Given, line: int) -> list[str]:
    folder = plain(given.get("packages-dir", given.get("packages_dir", "dist")))
    lines = ["python3 -m pip install --quiet twine"]
    if given.get("password"):
        lines += [
            f"export TWINE_USERNAME={job.in_quotes(plain(given.get('user', '__token__')), line)}",
            f"export TWINE_PASSWORD={job.in_quotes(plain(given['password']), line)}",
        ]
    else:
        job.note(
            line, "gh-action-pypi-publish", "Trusted publishing knows GitHub's own tokens only.",
            "Give the treatment a secret TWINE_PASSWORD with a token of the index.",
        )  # fmt: skip
    address = given.get("repository-url", given.get("repository_url"))
    where = f" --repository-url {job.in_quotes(plain(address), line)}" if address else ""
    return [*lines, f"python3 -m twine upload{where} {job.in_quotes(folder.rstrip('/'), line)}/*"]


def _pre_commit(job: GitHubJob, given: Given, line: int) -> list[str]:
    arguments = job.in_script(plain(given.get("extra_args", "--all-files")), line)
    return [
        "python3 -m pip install --quiet pre-commit",
        f"pre-commit run --show-diff-on-failure --color=always {arguments}",
    ]


def _maturin(job: GitHubJob, given: Given, line: int) -> list[str]:
    target = f" --target {job.in_quotes(plain(given['target']), line)}" if given.get("target") else ""
    folder = plain(given.get("working-directory", ""))
    command = plain(given.get("command", "build"))
    lines = ["python3 -m pip install --quiet maturin", *([f"cd {job.in_quotes(folder, line)}"] if folder else [])]
    if given.get("manylinux"):
        job.note(line, "maturin-action with manylinux", "It builds in an image of its own.", "Name such an image.")
    return [*lines, f"maturin {command}{target} {job.in_script(plain(given.get('args', '')), line)}".rstrip()]


def _goreleaser(job: GitHubJob, given: Given, line: int) -> list[str]:
    arguments = job.in_script(plain(given.get("args", "release --clean")), line)
    return [f"go run github.com/goreleaser/goreleaser/v2@latest {arguments}"]


def _aws_credentials(job: GitHubJob, given: Given, line: int) -> list[str]:
    lines = []
    for key, name in (
        ("aws-access-key-id", "AWS_ACCESS_KEY_ID"),
        ("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY"),
        ("aws-session-token", "AWS_SESSION_TOKEN"),
        ("aws-region", "AWS_REGION"),
    ):
        if given.get(key):
            lines.append(f'echo "{name}="{job.in_quotes(plain(given[key]), line)} >> "$GITHUB_ENV"')
    if given.get("role-to-assume"):
        job.note(
            line, "configure-aws-credentials with a role", "The token that GitHub issues for the role does not exist here.",
            "Give the treatment credentials as secrets, or have it take the role by commands.",
        )  # fmt: skip
    return lines or _NOTHING


COMMON: dict[str, Convert] = {
    "swatinem/rust-cache": _rust_cache,
    "taiki-e/install-action": _install_tools,
    "astral-sh/setup-uv": _setup_uv,
    "pnpm/action-setup": _pnpm,
    "docker/login-action": _docker_login,
    "docker/setup-buildx-action": _buildx,
    "docker/setup-qemu-action": _qemu,
    "docker/build-push-action": _docker_build,
    "codecov/codecov-action": _codecov,
    "softprops/action-gh-release": _release,
    "golangci/golangci-lint-action": _golangci,
    "pypa/gh-action-pypi-publish": _pypi,
    "pre-commit/action": _pre_commit,
    "pyo3/maturin-action": _maturin,
    "goreleaser/goreleaser-action": _goreleaser,
    "aws-actions/configure-aws-credentials": _aws_credentials,
    "gradle/actions/setup-gradle": _nothing,
    "gradle/actions/wrapper-validation": _nothing,
    "step-security/harden-runner": _nothing,
}
"""By the action's name in small letters."""
