"""Downloads files of Git LFS (Batch API, basic transfers): a commit has only their digests and sizes."""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from cadence.adapters.git.archive import LARGEST_ARCHIVE
from cadence.adapters.http.connection_errors import reason_of
from cadence.adapters.http.egress_policy import EgressPolicy, EgressRefused, guarded_pool
from cadence.application.shared.git_ports import GitCredentials
from cadence.domain.shared.errors import InvalidRequest, NotFound, TooLarge, Transient

MEDIA_TYPE = "application/vnd.git-lfs+json"
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)
LONGEST_POINTER = 1_024
_AT_ONCE = 100
_LARGEST_ANSWER = 1 << 20
_BLOCK = 1 << 20
_TIMEOUT = urllib3.Timeout(connect=5, read=10)


@dataclass(frozen=True, slots=True)
class LfsPointer:
    """What a commit has in place of a file."""

    sha256: str
    size: int


def read_pointer(content: bytes) -> LfsPointer | None:
    """Returns the pointer in a file; None for any other file."""
    found = _POINTER.fullmatch(content) if len(content) <= LONGEST_POINTER else None
    return LfsPointer(found[1].decode(), int(found[2])) if found else None


@dataclass(frozen=True)
class LfsServer:
    """The LFS server of a repository, which is below its address; within `seconds` for each commit."""

    reach: EgressPolicy
    seconds: float
    _headers: Mapping[str, str] = field(
        default_factory=lambda: {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}, init=False
    )

    def download(
        self, url: str, credentials: GitCredentials | None, pointers: Mapping[str, LfsPointer]
    ) -> Mapping[str, bytes]:
        """Returns the contents by path; each has the digest and size of its pointer.

        Raises NotFound if the server lacks a file or there is no server, TooLarge, InvalidRequest and Transient.
        """
        if sum(pointer.size for pointer in pointers.values()) > LARGEST_ARCHIVE:
            raise TooLarge(f"The files of Git LFS are larger than {LARGEST_ARCHIVE >> 20} MiB in all.")
        if not url.startswith(("https://", "http://")):
            raise InvalidRequest("Files of Git LFS are read from addresses that begin with https:// only.")
        if credentials is not None and not (url.startswith("https://") or self.reach.anywhere):
            raise InvalidRequest("An access token is sent to https:// addresses only.")
        retries = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3)
        pool = guarded_pool(self.reach, user_agent="git-lfs/3 (cadence)", timeout=_TIMEOUT, retries=retries)
        until = time.monotonic() + self.seconds
        contents: dict[LfsPointer, bytes] = {}
        names = {pointer: path for path, pointer in sorted(pointers.items(), reverse=True)}
        try:
            ordered = sorted(names, key=names.__getitem__)
            for start in range(0, len(ordered), _AT_ONCE):
                some = ordered[start : start + _AT_ONCE]
                for pointer, action in self._actions(pool, url, credentials, {each: names[each] for each in some}):
                    contents[pointer] = self._content(pool, pointer, names[pointer], action, until)
        except EgressRefused as error:
            raise InvalidRequest(f"Git LFS: {error}") from error
        except urllib3.exceptions.HTTPError as error:
            raise Transient(f"The server of Git LFS does not answer: {reason_of(error)}.") from error
        finally:
            pool.clear()
        return {path: contents[pointer] for path, pointer in pointers.items()}

    def _actions(
        self,
        pool: urllib3.PoolManager,
        url: str,
        credentials: GitCredentials | None,
        names: Mapping[LfsPointer, str],
    ) -> Iterator[tuple[LfsPointer, Mapping[str, Any]]]:
        """Yields where the server has each file. `names` are the paths of files, for messages."""
        objects = [{"oid": pointer.sha256, "size": pointer.size} for pointer in names]
        request = {"operation": "download", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256"}
        signed = (
            urllib3.make_headers(basic_auth=f"{credentials.username}:{credentials.password}") if credentials else {}
        )
        address = f"{url.removesuffix('/').removesuffix('.git')}.git/info/lfs/objects/batch"
        answer = pool.request(
            "POST",
            address,
            body=json.dumps(request).encode(),
            headers={**self._headers, **signed},
            preload_content=False,
        )
        try:
            _require_success(answer, "The git host has no Git LFS for this repository, or the token may not read it")
            found = json.loads(answer.read(_LARGEST_ANSWER))
            listed = {each["oid"]: each for each in found["objects"]}
        except (ValueError, KeyError, TypeError):
            raise InvalidRequest("The server of Git LFS does not answer as its protocol says.") from None
        finally:
            answer.close()
        for pointer, name in names.items():
            one = listed.get(pointer.sha256) or {}
            action = (one.get("actions") or {}).get("download")
            if not isinstance(action, dict) or not isinstance(action.get("href"), str):
                reason = (one.get("error") or {}).get("message") or "the server does not have it"
                raise NotFound(f"Git LFS cannot give {name}: {str(reason)[:200]}.")
            yield pointer, action

    def _content(
        self, pool: urllib3.PoolManager, pointer: LfsPointer, name: str, action: Mapping[str, Any], until: float
    ) -> bytes:
        if not (action["href"].startswith("https://") or self.reach.anywhere):
            raise InvalidRequest(f"Git LFS wants to give {name} over an address without encryption.")
        headers = {str(key): str(value) for key, value in (action.get("header") or {}).items()}
        answer = pool.request("GET", action["href"], headers=headers, preload_content=False)
        content = bytearray()
        try:
            _require_success(answer, f"Git LFS cannot give {name}")
            # One byte more than it may have shows that it is another file.
            while len(content) <= pointer.size and (block := answer.read(min(_BLOCK, pointer.size + 1 - len(content)))):
                content += block
                if time.monotonic() > until:
                    raise Transient(f"The server of Git LFS took longer than {self.seconds:.0f} seconds.")
        finally:
            answer.close()
        if len(content) != pointer.size or hashlib.sha256(content).hexdigest() != pointer.sha256:
            raise InvalidRequest(f"Git LFS gives another file than the commit names as {name}.")
        return bytes(content)


def _require_success(answer: urllib3.BaseHTTPResponse, refusal: str) -> None:
    if answer.status == 200:
        return
    if answer.status == 429 or answer.status >= 500:
        raise Transient(f"The server of Git LFS answers with status {answer.status}.")
    raise NotFound(f"{refusal}: it answers with status {answer.status}.")
