"""Reads a cloud assembly of the CDK: templates and their assets, in the order of deployment."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from hashlib import sha256
from pathlib import Path
from typing import Any

ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Asset:
    """A file or a folder that a template refers to by bucket and key."""

    source: Path
    is_folder: bool
    bucket: str
    key: str

    def content(self) -> bytes:
        """The bytes to store: the file itself, or the folder as a ZIP archive whose bytes depend on its
        content alone.
        """
        if not self.is_folder:
            return self.source.read_bytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in sorted(self.source.rglob("*")):
                if path.is_file():
                    entry = zipfile.ZipInfo(str(path.relative_to(self.source)))
                    entry.external_attr = (path.stat().st_mode & 0o777) << 16
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(entry, path.read_bytes())
        return buffer.getvalue()


@dataclass(frozen=True)
class StackTemplate:
    """One CloudFormation stack of the assembly."""

    name: str
    path: Path
    assets: tuple[Asset, ...]

    @cached_property
    def body(self) -> str:
        return self.path.read_text()

    @property
    def digest(self) -> str:
        """The SHA-256 of the template; assets are named by their content, so it covers them too."""
        return sha256(self.body.encode()).hexdigest()

    @property
    def resources(self) -> int:
        return len(json.loads(self.body)["Resources"])


def read_assembly(folder: Path, region: str) -> list[StackTemplate]:
    """The stacks of the assembly in `folder`, each after those that it depends on."""
    artifacts: dict[str, dict[str, Any]] = json.loads((folder / "manifest.json").read_text())["artifacts"]
    order = TopologicalSorter({name: artifact.get("dependencies", []) for name, artifact in artifacts.items()})
    return [
        _read_stack(folder, name, artifacts, region)
        for name in order.static_order()
        if artifacts.get(name, {}).get("type") == "aws:cloudformation:stack"
    ]


def _read_stack(folder: Path, name: str, artifacts: dict[str, dict[str, Any]], region: str) -> StackTemplate:
    properties = artifacts[name]["properties"]
    manifests = (
        artifacts[dependency]["properties"]["file"]
        for dependency in artifacts[name].get("dependencies", [])
        if artifacts[dependency]["type"] == "cdk:asset-manifest"
    )
    assets = tuple(asset for manifest in manifests for asset in _read_assets(folder / manifest, region))
    template = folder / properties["templateFile"]
    return StackTemplate(
        properties.get("stackName", name), template, tuple(asset for asset in assets if asset.source != template)
    )


def _read_assets(manifest: Path, region: str) -> Iterator[Asset]:
    def resolve(text: str) -> str:
        for placeholder, value in (("AccountId", ACCOUNT), ("Region", region), ("Partition", "aws")):
            text = text.replace("${AWS::" + placeholder + "}", value)
        return text

    for file in json.loads(manifest.read_text())["files"].values():
        for destination in file["destinations"].values():
            yield Asset(
                source=manifest.parent / file["source"]["path"],
                is_folder=file["source"].get("packaging") == "zip",
                bucket=resolve(destination["bucketName"]),
                key=resolve(destination["objectKey"]),
            )
