"""Packs the files of a git working tree, changes that are not committed included, so that a run receives them."""

import gzip
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from cadence.cli.shared.errors import FAILED, WRONG_USE, fail
from cadence.cli.shared.output import err
from cadence.domain.repositories.sent_tree import LARGEST_SENT, LARGEST_UNPACKED, MOST_SENT_ENTRIES

_PACKED_AT = 315_619_200
"""The time of all members, 1980-01-02 in UTC: like that of the archives of commits."""
_SECRETS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
    ".npmrc", ".pypirc", ".netrc", ".htpasswd", ".git-credentials", "credentials", "credentials.json",
)  # fmt: skip
"""Names of files that often hold secrets: of these only those that git tracks are sent."""
_LFS = b"version https://git-lfs.github.com/spec/"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class PackedTree:
    """A working tree, packed (tar, gzip). `notes` are sentences about what is and is not in it."""

    packed: bytes
    notes: Sequence[str]


def tree_for(document: str, file: str) -> PackedTree | None:
    """Returns the working tree that a document lies in, and prints what is in it; None if no treatment asks for it.

    Ends the command if there is no working tree, or if it is too large.
    """
    if not _wants_source(document):
        return None
    tree = pack_working_tree(Path.cwd() if file == "-" else Path(file).resolve().parent)
    for note in tree.notes:
        err.print(note, markup=False, highlight=False)
    return tree


def pack_working_tree(folder: Path) -> PackedTree:
    """Packs the working tree that contains a folder: what git tracks, and new files that it does not ignore."""
    root = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    tracked = set(_listed(root, "--cached"))
    new = set(_listed(root, "--others", "--exclude-standard"))
    left_out = {name for name in new if _may_be_secret(PurePosixPath(name))}
    packed, submodules, pointers = _pack(root, sorted(tracked | (new - left_out)))
    if len(packed) > LARGEST_SENT:
        raise fail(
            f"The working tree {root} has {len(packed) / 2**20:.1f} MiB when it is packed; at most "
            f"{LARGEST_SENT / 2**20:.1f} MiB can be sent. Let .gitignore exclude what is not needed, or push a commit.",
            FAILED,
        )
    sent = len(tracked | new) - len(left_out) - len(submodules)
    notes = [f"Sends {sent} files of {root} ({len(packed) / 2**10:.0f} KiB packed)" + _named(new - left_out, "new")]
    if left_out:
        notes.append(f"Leaves out files that may hold secrets{_named(left_out, 'not tracked by git')}")
    if submodules:
        notes.append(f"Submodules are empty directories{_named(submodules, 'submodules')}")
    if pointers:
        notes.append(f"Files of Git LFS are only their pointers, until `git lfs pull`{_named(pointers, 'pointers')}")
    return PackedTree(packed=packed, notes=[f"{note}." for note in notes])


def _pack(root: Path, names: Sequence[str]) -> tuple[bytes, set[str], set[str]]:
    """Returns the archive, and the names of submodules and of pointers of Git LFS in it."""
    target = io.BytesIO()
    submodules: set[str] = set()
    pointers: set[str] = set()
    size, count, listed = 0, 0, set(names)
    with (
        gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member, path in _members(root, names):
            content = b""
            if member.isreg():
                content = path.read_bytes()
                member.size = len(content)
                if content.startswith(_LFS):
                    pointers.add(member.name)
            elif member.isdir() and member.name in listed:
                submodules.add(member.name)
            size, count = size + len(content) + tarfile.BLOCKSIZE, count + 1
            if size > LARGEST_UNPACKED or count > MOST_SENT_ENTRIES:
                raise fail(
                    f"The working tree {root} has more than {LARGEST_UNPACKED >> 20} MiB or {MOST_SENT_ENTRIES:,} "
                    "files. Let .gitignore exclude what is not needed, or push a commit.",
                    FAILED,
                )
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue(), submodules, pointers


def _members(root: Path, names: Sequence[str]) -> Iterator[tuple[tarfile.TarInfo, Path]]:
    """Yields the members of the archive, directories before what they contain. Deleted files are left out."""
    made: set[str] = set()
    for name in names:
        path = root / name
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue  # it was deleted, and the deletion is not committed
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            if str(parent) not in made:
                made.add(str(parent))
                yield _member(str(parent), tarfile.DIRTYPE, 0o755), path
        if stat.S_ISLNK(mode):
            link = _member(name, tarfile.SYMTYPE, 0o777)
            link.linkname = str(path.readlink())
            yield link, path
        elif stat.S_ISREG(mode):
            yield _member(name, tarfile.REGTYPE, 0o755 if mode & 0o100 else 0o644), path
        elif stat.S_ISDIR(mode):
            made.add(name)
            yield _member(name, tarfile.DIRTYPE, 0o755), path


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, _PACKED_AT
    return member


def _listed(root: Path, *selection: str) -> Iterator[str]:
    for name in _git(root, "ls-files", "-z", *selection).split(b"\0"):
        if name:
            # A repository within this one is listed with a slash at its end: git does not look into it.
            yield os.fsdecode(name).rstrip("/")


def _may_be_secret(path: PurePosixPath) -> bool:
    """Whether a file often holds secrets. A local stack keeps its state in `.cadence`, beside pipelines."""
    of_local_stack = path.parts[0] == ".cadence" and (len(path.parts) > 2 or path.suffix not in (".yaml", ".yml"))
    return of_local_stack or any(fnmatch(path.name, pattern) for pattern in _SECRETS)


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S607
    except OSError:
        raise fail(
            "`source: true` takes the files of a git working tree, and git is not installed here.", FAILED
        ) from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = words[-1] if words else f"exit code {done.returncode}"
        raise fail(
            f"`source: true` takes the files of a git working tree, and {folder} is in none ({reason}). "
            "Run `git init` there, or connect the repository.",
            WRONG_USE,
        )
    return done.stdout


def _named(names: set[str], what: str) -> str:
    """Returns the number of files and the first names, to stand at the end of a sentence; nothing for none."""
    if not names:
        return ""
    first = ", ".join(sorted(names)[:_SHOWN])
    return f"; {len(names)} {what}: {first}{', …' if len(names) > _SHOWN else ''}"


def _wants_source(document: str) -> bool:
    """Whether a treatment has `source`. A document that cannot be read is left to the server."""
    if "source" not in document:
        return False
    import yaml  # most documents need no parser here

    try:
        data: Any = yaml.safe_load(document)
    except yaml.YAMLError:
        return False
    sections = [data.get(section) for section in ("treatments", "definitions")] if isinstance(data, dict) else []
    bodies = [body for section in sections if isinstance(section, dict) for body in section.values()]
    return any(bool(body.get("source")) for body in bodies if isinstance(body, dict))
