"""The synthesized templates as tests look at them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Assembly:
    """Both templates of one place."""

    directory: Path

    @cached_property
    def main(self) -> Mapping[str, Resource]:
        """Resources of the main stack by logical id."""
        return self._resources("Cadence")

    @cached_property
    def log_stream(self) -> Mapping[str, Resource]:
        """Resources of the log stream's stack by logical id."""
        return self._resources("CadenceLogStream")

    def all(self) -> Iterator[tuple[str, Resource]]:
        yield from self.main.items()
        yield from self.log_stream.items()

    def of_type(self, kind: str) -> Mapping[str, Mapping[str, Any]]:
        """Logical id → properties of all resources of a type."""
        return {name: resource["Properties"] for name, resource in self.all() if resource["Type"] == kind}

    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """Folder → properties of its Lambda."""
        return {
            properties["Handler"].partition(".")[0]: properties
            for properties in self.of_type("AWS::Lambda::Function").values()
        }

    def _resources(self, stack: str) -> Mapping[str, Resource]:
        template: Mapping[str, Mapping[str, Resource]] = json.loads(
            (self.directory / f"{stack}.template.json").read_text()
        )
        return template["Resources"]
