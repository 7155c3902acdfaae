"""Reads `.gitmodules`: the addresses of a repository's submodules."""

import io
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from dulwich.config import ConfigFile, parse_submodules

from cadence.domain.shared.errors import InvalidRequest

MODULES_FILE = ".gitmodules"
_LARGEST = 1 << 20
_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)(?::\d+)?[:/]/?(.+)")


def submodule_urls(content: bytes, url: str) -> Mapping[str, str]:
    """Returns the addresses of submodules by path. `url` is that of the repository with the file, whose text this is.

    Addresses for SSH become those for HTTPS of the same host. Raises InvalidRequest for a file that git cannot read.
    """
    if len(content) > _LARGEST:
        raise InvalidRequest(f"{MODULES_FILE} is larger than {_LARGEST >> 20} MiB.")
    try:
        found = list(parse_submodules(ConfigFile.from_file(io.BytesIO(content))))
    except (ValueError, KeyError) as error:
        raise InvalidRequest(f"{MODULES_FILE} cannot be read: {error}.") from None
    texts = (
        (path.decode("utf-8", "surrogateescape"), address.decode("utf-8", "replace")) for path, address, _ in found
    )
    return {path: resolved(address, url) for path, address in texts}


def resolved(address: str, url: str) -> str:
    """Returns the address of a submodule over HTTPS. `address` may be relative to `url`.

    >>> resolved("../lib.git", "https://git.example/acme/site.git")
    'https://git.example/acme/lib.git'
    >>> resolved("git@git.example:acme/lib.git", "https://git.example/acme/site.git")
    'https://git.example/acme/lib.git'
    """
    if address.startswith(("./", "../")):
        parts = url.rstrip("/").split("/")
        for step in address.split("/"):
            if step == "..":
                parts.pop()
            elif step not in (".", ""):
                parts.append(step)
        return "/".join(parts)
    if "://" in address and not address.startswith("ssh://"):
        return address
    match = _SSH.fullmatch(address)
    if match is None:
        return address
    own = urlsplit(url)
    return f"{own.scheme}://{own.netloc}/{match[2]}" if own.hostname == match[1] else f"https://{match[1]}/{match[2]}"
