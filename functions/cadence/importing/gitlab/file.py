"""Reads a file of GitLab CI: merge keys, `!reference`, `extends` and defaults are resolved."""

from collections.abc import Mapping
from typing import Any

from cadence.importing.shared.report import ImportFailure, Notes
from cadence.importing.shared.yaml_source import YamlSource, listed, mapping, plain, texts

GLOBAL = frozenset({"default", "variables", "stages", "include", "workflow", "spec", "image", "services", "cache",
                    "before_script", "after_script", "types"})  # fmt: skip
_DEFAULTS = ("image", "services", "cache", "before_script", "after_script")
_DEFAULT_KEYS = frozenset({*_DEFAULTS, "artifacts", "hooks", "id_tokens", "interruptible", "retry", "tags", "timeout"})
_STAGES = ["build", "test", "deploy"]
_MOST_EXTENDS = 11


class GitLabFile:
    """`jobs` by name in the order of the file, each a mapping with everything it inherits. Raises `ImportFailure`."""

    def __init__(self, text: str, notes: Notes) -> None:
        header, self._text = without_header(text)
        self.source = YamlSource(self._text)
        self.notes = notes
        self.source.tell_misreadings(notes)
        self._resolve_references()
        self.data = self.source.merged()
        self.inputs = mapping(mapping(YamlSource(header).data.get("spec")).get("inputs")) if header.strip() else {}
        self.variables = mapping(self.data.get("variables"))
        self._done: dict[str, dict[str, Any]] = {}
        self.jobs = {name: self._with_defaults(name) for name in self.data if self._is_job(name)}
        self.stages = self._stages()

    def line(self, container: Any, key: str | int | None = None) -> int:
        return self.source.line(container, key)

    def line_of_job(self, name: str) -> int:
        return self.source.line(self.data, name)

    def _is_job(self, name: str) -> bool:
        return name not in GLOBAL and not name.startswith(".") and isinstance(self.data[name], dict)

    def _stages(self) -> list[str]:
        stages = [".pre", *(texts(self.data.get("stages")) or _STAGES), ".post"]
        for name, job in self.jobs.items():
            stage = plain(job.get("stage", "test"))
            if stage not in stages:
                self.notes.add(
                    self.line(job, "stage") or self.line_of_job(name), f"{name}: stage {stage}", "There is no such stage.",
                    "It comes after all others now; list it in `stages`.",
                )  # fmt: skip
                stages.append(stage)
        return stages

    def _with_defaults(self, name: str) -> dict[str, Any]:
        job = self._extended(name, ())
        inherit = mapping(job.get("inherit"))
        wanted = inherit.get("default", True)
        defaults = {key: self.data[key] for key in _DEFAULTS if key in self.data}
        defaults.update(
            {key: value for key, value in mapping(self.data.get("default")).items() if key in _DEFAULT_KEYS}
        )
        resolved = {
            key: value
            for key, value in defaults.items()
            if wanted is True or (isinstance(wanted, list) and key in wanted)
        }
        if "trigger" in job:
            resolved = {}
        resolved.update(job)
        self.source.register(resolved, self.line_of_job(name))
        return resolved

    def _extended(self, name: str, seen: tuple[str, ...]) -> dict[str, Any]:
        if name in self._done:
            return self._done[name]
        body = self.data[name]
        if name in seen or len(seen) >= _MOST_EXTENDS:
            raise ImportFailure(
                f"{name} extends itself, or more than {_MOST_EXTENDS - 1} others in a row.", self.line_of_job(name)
            )
        resolved: dict[str, Any] = {}
        for base in texts(body.get("extends")):
            if isinstance(self.data.get(base), dict):
                resolved = self._deep_merged(resolved, self._extended(base, (*seen, name)))
            else:
                self.notes.add(
                    self.line(body, "extends"), f"{name}: extends {base}", "It is not in this file.",
                    "Put what it says into this file, and import again.",
                )  # fmt: skip
        resolved = self._deep_merged(resolved, {key: value for key, value in body.items() if key != "extends"})
        self.source.register(resolved, self.line_of_job(name))
        self._done[name] = resolved
        return resolved

    def _deep_merged(self, base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
        result = dict(base)
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(result.get(key), dict):
                merged = self._deep_merged(result[key], value)
                self.source.register(merged, self.line(over, key))
                result[key] = merged
            else:
                result[key] = value
        return result

    def _resolve_references(self) -> None:
        """Replaces `!reference [job, key]` with its target, innermost first, since targets may contain references."""
        pending = list(self.source.tagged)
        for _ in range(_MOST_EXTENDS):
            left = [path for path in pending if not self._resolve(path, pending)]
            if len(left) == len(pending):
                break
            pending = left
        for path in pending:
            where = ".".join(map(str, path))
            self.notes.add(
                self._line_of(path),
                f"{where}: its YAML tag",
                "It names nothing in this file.",
                "Write out what is meant.",
            )

    def _resolve(self, path: tuple[str | int, ...], pending: list[tuple[str | int, ...]]) -> bool:
        holder, reference = self._at(path[:-1]), self._at(path)
        if not isinstance(reference, list) or not all(isinstance(part, str) for part in reference):
            return False
        found = self._at(tuple(reference))
        holds_references = any(tagged[: len(reference)] == tuple(reference) for tagged in pending)
        if found is None or found is reference or holds_references:
            return False
        holder[path[-1]] = found
        return True

    def _at(self, path: tuple[str | int, ...]) -> Any:
        node: Any = self.source.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def _line_of(self, path: tuple[str | int, ...]) -> int:
        return self.source.line(self._at(path[:-1]), path[-1]) if path else 0


def without_header(text: str) -> tuple[str, str]:
    """The `spec:` document of a file, and the rest with unchanged line numbers."""
    lines = text.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if _says_something(line)), len(lines))
    if first == len(lines) or not lines[first].startswith("spec:"):
        return "", text
    end = next((number for number in range(first + 1, len(lines)) if lines[number].rstrip() == "---"), None)
    if end is None:
        return "", text
    return "".join(lines[first:end]), "\n" * (end + 1) + "".join(lines[end + 1 :])


def _says_something(line: str) -> bool:
    """Returns whether a line is more than white space, a comment or the start of a document."""
    bare = line.strip()
    return bool(bare) and not bare.startswith("#") and bare != "---"


def script_lines(value: Any) -> list[str]:
    """The commands of a script, which may be nested lists."""
    return [plain(item) for item in texts(value)] if not isinstance(value, dict) else []


def needs_of(job: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """`needs` as a list of mappings with `job`; `None` if the job follows the stages."""
    if "needs" not in job:
        return None
    return [need if isinstance(need, dict) else {"job": plain(need)} for need in listed(job["needs"])]
