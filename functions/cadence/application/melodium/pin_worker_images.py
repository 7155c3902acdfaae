"""Pins the images of a worker's containers to their digests at the time of the request, where registries answer.

An engine's program names tags, and knows nothing of Cadence: a tag that no registry resolves stays a tag, and the
worker's machine, which may reach more registries and have logins of its own, pulls it.
"""

import base64
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

from cadence.application.runs.pin_images import ImageRegistries
from cadence.domain.melodium.request import EngineContainer, LaunchRequest
from cadence.domain.pipelines.image import Image, parse_image, registry_of
from cadence.domain.pipelines.registry_login import RegistryLogin, registry_login
from cadence.domain.shared.errors import ProviderRejected, Transient

_AT_ONCE = 8


@dataclass(frozen=True)
class PinWorkerImages:
    """Pins images; `resolves_loopback` states that runners reach the same registry on the loopback interface."""

    registries: ImageRegistries
    resolves_loopback: bool

    def pin(self, request: LaunchRequest) -> LaunchRequest:
        """Returns the request with pinned images."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            pinned = list(pool.map(self._pinned, (*request.containers, *request.service_containers)))
        count = len(request.containers)
        return replace(request, containers=tuple(pinned[:count]), service_containers=tuple(pinned[count:]))

    def _pinned(self, container: EngineContainer) -> EngineContainer:
        image = parse_image(container.image)
        if not image.is_open(loopback_resolves=self.resolves_loopback):
            return container
        # A registry may answer anything; text that is no digest is ignored.
        with suppress(ProviderRejected, Transient, ValueError):
            digest = self.registries.digest(image, _login(container.pull_secret, image))
            return replace(container, image=str(image.pinned(digest)))
        return container


def _login(pull_secret: str, image: Image) -> RegistryLogin | None:
    """Returns the login for the image's registry from a Docker configuration (`{"auths": …}`); None if it has none."""
    try:
        auths: Mapping[str, Mapping[str, str]] = json.loads(pull_secret).get("auths", {})
        for host, entry in auths.items():
            if registry_of(host.removeprefix("https://").split("/")[0]) == image.registry:
                plain = base64.b64decode(entry["auth"]).decode() if "auth" in entry else None
                return registry_login(plain or f"{entry['username']}:{entry['password']}")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return None
