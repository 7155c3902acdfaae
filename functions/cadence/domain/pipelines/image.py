"""References to container images, in the form in which documents write them."""

import re
from dataclasses import dataclass, replace

_DOCKER_HUB = frozenset({"docker.io", "index.docker.io"})
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|\[::1\])(:[0-9]{1,5})?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, kw_only=True)
class Image:
    """A reference to a container image.

    `name` is the reference as written, without tag and digest; `registry` is the host that has `repository`.
    """

    name: str
    registry: str
    repository: str
    tag: str
    digest: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the image exists on the runner only (`localhost/name`)."""
        return self.registry == "localhost"

    @property
    def on_loopback(self) -> bool:
        """Whether the registry's host is `localhost` or an address of the loopback interface."""
        return self.registry.rpartition(":")[0] in _LOOPBACK or self.registry in _LOOPBACK

    def is_open(self, *, loopback_resolves: bool) -> bool:
        """Whether the image has no digest yet and its registry can resolve the tag to one.

        `loopback_resolves`: whether a registry on the loopback interface can be asked.
        """
        return not (self.digest or self.is_local or (self.on_loopback and not loopback_resolves))

    def pinned(self, digest: str) -> "Image":
        """Returns the same image with a digest, so that its tag no longer matters.

        Raises ValueError unless `digest` is `sha256:` and 64 hexadecimal digits.
        """
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no digest")
        return replace(self, digest=digest)

    def __str__(self) -> str:
        """Returns the reference with either tag or digest: not every engine takes both."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def registry_of(host: str) -> str:
    """Returns the registry that a host means, in the form of `Image.registry`. Raises ValueError if it is no host."""
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is no host of a registry")
    return parse_image(f"{host}/any/image").registry


def parse_image(text: str) -> Image:
    """Parses `[registry/]repository[:tag][@digest]`. Without a registry the image is Docker Hub's."""
    rest, _, digest = text.partition("@")
    last_part = rest.rpartition("/")[2]
    tag = last_part.partition(":")[2]
    name = rest.removesuffix(f":{tag}") if tag else rest
    first, slash, repository = name.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first):
        first, repository = "docker.io", name
    registry = "registry-1.docker.io" if first in _DOCKER_HUB else first
    if first in _DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Image(name=name, registry=registry, repository=repository, tag=tag or "latest", digest=digest or None)
