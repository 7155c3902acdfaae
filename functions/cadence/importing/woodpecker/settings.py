"""Settings of a workflow of Woodpecker: matrix, services, clone, labels, and the images and variables of its steps."""

import re
from collections.abc import Mapping
from typing import Any

from cadence.importing.shared.containers import is_image, ports, service_name
from cadence.importing.shared.draft import ImportDraft
from cadence.importing.shared.names import UniqueNames
from cadence.importing.shared.yaml_source import listed, mapping, plain, texts
from cadence.importing.woodpecker.file import WoodpeckerFile, WrittenStep
from cadence.importing.woodpecker.variables import WoodpeckerVariables

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OTHER_SYSTEM = re.compile(r"windows|darwin|macos|bsd", re.IGNORECASE)
_NO_IMAGE = "Name the image; until then it does not run."
_MOST_VALUES = 200


def matrix(file: WoodpeckerFile) -> tuple[dict[str, Any], WoodpeckerVariables]:
    """The matrix of all treatments, and the variables of the workflow, of which it makes some."""
    value = mapping(file.data.get("matrix"))
    if any(len(listed(items)) > _MOST_VALUES for items in value.values()):
        file.notes.add(
            file.line(file.data, "matrix"), "matrix", f"The first {_MOST_VALUES} values of each axis are taken.",
            "Write more of them by hand.",
        )  # fmt: skip
    names = UniqueNames("_", "axis")
    rows = [mapping(entry) for entry in listed(value.get("include")) if mapping(entry)]
    if rows:
        included = [{names.of(key): plain(item) for key, item in row.items()} for row in rows[:_MOST_VALUES]]
        partial = {axis for row in included for axis in row if any(axis not in other for other in included)}
        variables = WoodpeckerVariables({key: names.of(key) for key in names}, frozenset(partial))
        return {"include": included, "fail_fast": False}, variables
    axes = {names.of(key): texts(items)[:_MOST_VALUES] for key, items in value.items() if texts(items)}
    variables = WoodpeckerVariables({key: names.of(key) for key in names if names.of(key) in axes})
    return {**axes, "fail_fast": False} if axes else {}, variables


class WorkflowSettings:
    """What treatments of a workflow have in common, and how texts of its file are written here."""

    def __init__(self, file: WoodpeckerFile, draft: ImportDraft, variables: WoodpeckerVariables) -> None:
        self._file = file
        self._draft = draft
        self._variables = variables

    def note(self, line: int, what: str, why: str, todo: str) -> None:
        self._draft.notes.add(line, what, why, todo)

    def text(self, text: str, line: int, where: str, todo: str = "Write its value out.") -> str | None:
        """A text with expressions; None and a note if it has variables that are not known before the script runs."""
        written, unknown = self._variables.text(text)
        if not unknown:
            return written
        self.note(line, f"{where}: {text}", f"The variable {unknown[0]} is not known here.", todo)
        return None

    def image(self, step: WrittenStep) -> str | None:
        text, line = plain(step.body.get("image")), self._file.line(step.body, "image") or step.line
        image = self.text(text, line, f"{step.name}: image", _NO_IMAGE)
        if image is None or is_image(image):
            return image
        self.note(line, f"{step.name}: the image {text}", "It is not the name of an image.", _NO_IMAGE)
        return None

    def environment(self, step: WrittenStep) -> tuple[dict[str, Any], dict[str, str]]:
        """The variables of a step, and those of them that are secrets, with the names of the secrets."""
        env: dict[str, Any] = {}
        secrets: dict[str, str] = {}
        for name, value in _pairs(step.body.get("environment")).items():
            line = self._file.line(step.body, "environment") or step.line
            if not _NAME.fullmatch(name) or name.startswith("CADENCE_"):
                self.note(line, f"{step.name}: environment.{name}", "It is no name for a variable here.", "Rename it.")
            elif isinstance(value, dict):
                if secret := plain(value.get("from_secret")):
                    secrets[name] = secret
                else:
                    self.note(
                        line, f"{step.name}: environment.{name}", "It is neither text nor a secret.", "Write text."
                    )
            elif (text := self.text(plain(value), line, f"{step.name}: environment.{name}")) is not None:
                env[name] = text
        for entry in listed(step.body.get("secrets")):
            source = plain(entry.get("source") if isinstance(entry, dict) else entry)
            target = plain(mapping(entry).get("target")) or source.upper()
            if not _NAME.fullmatch(target) or target.startswith("CADENCE_"):
                line = self._file.line(step.body, "secrets") or step.line
                self.note(line, f"{step.name}: secrets: {source}", "It is no name for a variable here.", "Rename it.")
            else:
                secrets[target] = source
        return {name: value for name, value in env.items() if name not in secrets}, secrets

    def services(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, service in self._file.services.items():
            image, host = self.image(service), service_name(name)
            if image is None:
                continue
            env, secrets = self.environment(service)
            command = texts(service.body.get("commands") or service.body.get("command"))
            found[host] = {
                "image": image,
                **({"env": env} if env else {}),
                **({"ports": numbers} if (numbers := ports(texts(service.body.get("ports")))) else {}),
                **({"command": ["sh", "-c", " && ".join(command)]} if command else {}),
            }
            for variable in secrets:
                self.note(
                    service.line, f"services.{name}: {variable}", "A service receives no secrets.",
                    "Write a value for tests, or start the service in the script.",
                )  # fmt: skip
            if host != name:
                self.note(
                    service.line, f"services.{name}", "It is no host name.", f"Have scripts call the host {host}."
                )
            for key in service.body:
                if key not in (
                    "name",
                    "image",
                    "environment",
                    "secrets",
                    "ports",
                    "commands",
                    "command",
                    "pull",
                    "detach",
                ):
                    self.note(
                        service.line, f"services.{name}.{key}", "A service has no such setting.", "Do without it."
                    )
        return found

    def machine(self) -> tuple[dict[str, Any], bool]:
        """Settings of treatments that choose a machine, and whether it may run at all."""
        labels = {"platform": self._file.data.get("platform"), **mapping(self._file.data.get("labels"))}
        found: dict[str, Any] = {}
        runs = True
        for name, value in labels.items():
            text = plain(value)
            if not text:
                continue
            line = self._file.line(self._file.data.get("labels"), name) or self._file.line(self._file.data, "platform")
            if name == "platform" and text in ("linux/amd64", "linux/arm64"):
                found["arch"] = text.partition("/")[2]
            elif name == "platform" and _OTHER_SYSTEM.search(text):
                runs = False
                self.note(line, f"labels.platform: {text}", "Runners have Linux; treatments have when: false.",
                          "Leave them where they are, or have a script reach such a machine, as by ssh.")  # fmt: skip
            else:
                self.note(line, f"labels.{name}: {text}", "Labels choose agents of Woodpecker.",
                          "Name the pools that have such machines in `pools`.")  # fmt: skip
        return found, runs

    def clone(self) -> dict[str, Any] | None:
        """How the files are got: `lfs`, `submodules` and `history`; None if they are not."""
        if self._file.data.get("skip_clone") is True:
            return None
        value = self._file.data.get("clone")
        bodies = list(value.values()) if isinstance(value, dict) else listed(value)
        found: dict[str, Any] = {}
        for body in map(mapping, bodies):
            given = mapping(body.get("settings"))
            found["lfs"] = found.get("lfs", False) or given.get("lfs") is True
            found["submodules"] = found.get("submodules", False) or given.get("recursive") is True
            found["history"] = found.get("history", False) or plain(given.get("depth", 1)) == "0"
            found["history"] = found["history"] or given.get("partial") is False
            for key in given:
                if key not in ("lfs", "recursive", "depth", "partial", "tags"):
                    self.note(
                        self._file.line(self._file.data, "clone"), f"clone: {key}", "`source` has no such setting.",
                        "Do without it.",
                    )  # fmt: skip
        return found


def _pairs(value: Any) -> Mapping[str, Any]:
    """Variables as a mapping; older files have a list of `NAME=value`."""
    if isinstance(value, list):
        return dict(text.split("=", 1) for text in texts(value) if "=" in text)
    return mapping(value)
