"""Composite actions of the workflow's own repository: their steps take the place of the step that uses them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cadence.importing.github.templates import split
from cadence.importing.shared.names import slug
from cadence.importing.shared.report import ImportFailure
from cadence.importing.shared.yaml_source import MAX_YAML_BYTES, YamlSource, listed, mapping, merged_data, plain

ReadAction = Callable[[str], str | None]
"""Returns the text of an action or a workflow of the repository, such as `./.github/actions/setup` (a folder) or
`./.github/workflows/plan.yml`; None without one."""

_DEEPEST = 10
_MOST_STEPS = 500
_MOST_USES = 1_000
"""Of actions in a workflow, as one without steps adds none to its job."""
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_NAME = re.compile(
    r"(?<![\w.'-])(?:inputs\.[A-Za-z_][\w-]*|github\.action_path|steps\.[A-Za-z_][\w-]*(?:\.outputs\.[A-Za-z_][\w-]*)?)"
)


@dataclass
class CompositeActions:
    """Puts the steps of composite actions into jobs. Their lines are those of the steps that use the actions."""

    source: YamlSource
    read: ReadAction
    _used: int = field(default=0, init=False)
    _put_in: int = field(default=0, init=False)
    """Characters that took the place of names, as values repeat and are in one another."""
    _actions: dict[str, Mapping[str, Any] | None] = field(default_factory=dict, init=False)

    def expand(self, body: Mapping[str, Any]) -> None:
        """Replaces the steps of a job that use composite actions of the repository, in place.

        Raises ImportFailure if they are too many, or too large.
        """
        steps = body.get("steps")
        if not isinstance(steps, list) or not any(_local(step) for step in steps):
            return
        outputs: dict[str, str] = {}
        made: list[Any] = []
        for step in steps:
            for one in self._expanded(self._replaced(step, outputs), outputs, 0):
                if len(made) == _MOST_STEPS:
                    line = self.source.line(step, "uses")
                    raise ImportFailure(f"With those of its actions, the job has more than {_MOST_STEPS} steps.", line)
                made.append(one)
        steps[:] = made
        if isinstance(given := body.get("outputs"), dict):
            given.update(self._replaced(given, outputs))

    def put_in_place(self, body: dict[str, Any]) -> None:
        """Puts the one job of a reusable workflow of the repository that has outputs in the place of its caller.

        A treatment that starts another pipeline has no outputs of that. Other jobs stay as they are.
        """
        workflow = self._workflow(plain(body.get("uses"))) if _local(body) else {}
        called = mapping(mapping(workflow.get("on", workflow.get("true"))).get("workflow_call"))
        jobs = mapping(workflow.get("jobs"))
        if not called.get("outputs") or len(jobs) != 1 or not _is_plain_call(body):
            return
        ((name, job),) = jobs.items()
        given = {plain(key).lower(): value for key, value in mapping(body.get("with")).items()}
        names = {}
        for key, about in mapping(called.get("inputs")).items():
            value = given.get(plain(key).lower(), mapping(about).get("default"))
            text = plain(value).lower() if isinstance(value, bool | int) else as_expression(plain(value))
            if text is not None:
                names[f"inputs.{key}"] = text
        inner: dict[str, Any] = self._replaced(dict(mapping(job)), names)
        outer: dict[str, Any] = self._replaced(dict(mapping(workflow.get("env"))), names)
        inner["env"] = {**outer, **mapping(inner.get("env"))}
        own = mapping(inner.get("outputs"))
        outputs: dict[str, Any] = {}
        for key, about in mapping(called["outputs"]).items():
            path = plain(mapping(about).get("value")).strip().removeprefix("${{").removesuffix("}}").strip()
            if (output := path.removeprefix(f"jobs.{name}.outputs.")) in own:
                outputs[key] = own[output]
        line = self.source.line(body, "uses")
        del body["uses"]
        body.pop("with", None)
        kept: dict[str, Any] = {key: body[key] for key in ("name", "needs") if key in body}
        made = {**_with_settings(inner, body), **kept}
        self._register(made, line)
        body.update({**made, "outputs": outputs})

    def _workflow(self, uses: str) -> Mapping[str, Any]:
        text = self.read(_path(uses)) if uses.endswith((".yml", ".yaml")) else None
        return merged_data(text) if text is not None else {}

    def _expanded(self, step: Any, outputs: dict[str, str], depth: int) -> Iterator[Any]:
        """The steps in the place of a step, which may be itself; `outputs` gets the values of the action's outputs."""
        action = self._action(plain(step["uses"])) if _local(step) and depth < _DEEPEST else None
        if action is None:
            yield step
            return
        self._used += 1
        if self._used > _MOST_USES:
            line = self.source.line(step, "uses")
            raise ImportFailure(f"The workflow uses actions of its repository more than {_MOST_USES:,} times.", line)
        prefix = slug(plain(step.get("id")) or f"action-{self._used}")
        names = self._inputs(step, action)
        inner = [dict(one) for one in listed(mapping(action["runs"]).get("steps")) if isinstance(one, dict)]
        for one in inner:
            if name := plain(one.get("id")):
                one["id"] = f"{prefix}-{name}"
                names[f"steps.{name}"] = f"steps.{one['id']}"
        within: dict[str, str] = {}
        for one in inner:
            placed = _with_settings(self._replaced(one, {**names, **within}), step)
            self._register(placed, self.source.line(step, "uses") or self.source.line(step))
            yield from self._expanded(placed, within, depth + 1)
        if step_id := plain(step.get("id")):
            for output, about in mapping(action.get("outputs")).items():
                value = self._in_expressions(plain(mapping(about).get("value")), {**names, **within})
                if (text := as_expression(value)) is not None:
                    outputs[f"steps.{step_id}.outputs.{output}"] = text

    def _action(self, uses: str) -> Mapping[str, Any] | None:
        path = _path(uses)
        if path not in self._actions:
            text = self.read(path)
            data = merged_data(text) if text is not None else {}
            self._actions[path] = data if mapping(data.get("runs")).get("using") == "composite" else None
        return self._actions[path]

    def _inputs(self, step: Mapping[str, Any], action: Mapping[str, Any]) -> dict[str, str]:
        """What stands for `inputs.x` in the action; a value that cannot be written as an expression stays as it is."""
        given = {plain(key).lower(): value for key, value in mapping(step.get("with")).items()}
        names = {"github.action_path": _literal(plain(step["uses"])[2:])}
        for name, about in mapping(action.get("inputs")).items():
            value = given.get(plain(name).lower(), mapping(about).get("default"))
            if (text := as_expression(plain(value))) is not None:
                names[f"inputs.{name}"] = text
        return names

    def _replaced(self, value: Any, names: Mapping[str, str]) -> Any:
        """A copy of a value of YAML in whose expressions these names are replaced; the value itself without names."""
        return self._copied(value, names) if names else value

    def _copied(self, value: Any, names: Mapping[str, str], key: str = "") -> Any:
        if isinstance(value, dict):
            made: Any = {name: self._copied(item, names, name) for name, item in value.items()}
        elif isinstance(value, list):
            made = [self._copied(item, names) for item in value]
        elif isinstance(value, str):
            # A condition is an expression as a whole unless it has `${{`.
            in_whole = key == "if" and "${{" not in value
            return self._in_expression(value, names) if in_whole else self._in_expressions(value, names)
        else:
            return value
        self.source.register(made, self.source.line(value))
        return made

    def _in_expressions(self, text: str, names: Mapping[str, str]) -> str:
        parts = split(text)
        return "".join(
            part if index % 2 == 0 else f"${{{{ {self._in_expression(part, names).strip()} }}}}"
            for index, part in enumerate(parts)
        )

    def _in_expression(self, text: str, names: Mapping[str, str]) -> str:
        def put_in(match: re.Match[str]) -> str:
            found = names.get(match[0])
            if found is None and match[0].startswith("steps."):
                head, dot, rest = match[0].partition(".outputs.")
                found = f"{names[head]}{dot}{rest}" if head in names else None
            if found is None:
                return match[0]
            self._put_in += len(found)
            if self._put_in > MAX_YAML_BYTES:
                raise ImportFailure(f"The values that actions are given have more than {MAX_YAML_BYTES:,} characters.")
            return found

        return "".join(
            piece if index % 2 else _NAME.sub(put_in, piece) for index, piece in enumerate(_QUOTED.split(text))
        )

    def _register(self, container: Any, line: int) -> None:
        self.source.register(container, line)
        for value in container.values() if isinstance(container, dict) else container:
            if isinstance(value, dict | list):
                self._register(value, line)


def as_expression(text: str) -> str | None:
    """A text as the inside of one expression; None for one that has expressions and braces beside them.

    >>> as_expression("3.12"), as_expression("${{ matrix.os }}"), as_expression("v${{ matrix.os }}")
    ("'3.12'", '(matrix.os)', "format('v{0}', matrix.os)")
    """
    parts = split(text)
    if len(parts) == 1:
        return _literal(text)
    if len(parts) == 3 and not parts[0].strip() and not parts[2].strip():
        return f"({parts[1].strip()})"
    if any("{" in part or "}" in part for part in parts[::2]):
        return None
    template = "".join(part if index % 2 == 0 else f"{{{index // 2}}}" for index, part in enumerate(parts))
    return f"format({_literal(template)}, {', '.join(part.strip() for part in parts[1::2])})"


def _is_plain_call(body: Mapping[str, Any]) -> bool:
    """Whether a job calls a workflow with nothing that its one job could not have."""
    return "strategy" not in body and body.get("secrets") in (None, "inherit")


def _local(step: Any) -> bool:
    return isinstance(step, dict) and plain(step.get("uses")).startswith(("./", "$/"))


def _path(uses: str) -> str:
    """The path of an action or a workflow of the repository: `$/` is the repository at the workflow's commit."""
    return f".{uses[1:]}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _with_settings(inner: dict[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    """A step of an action with the condition, the variables and the tolerance of the step that uses it."""
    conditions = [_bare(plain(step["if"])) for step in (outer, inner) if "if" in step]
    if len(conditions) == 2:
        conditions = [" && ".join(f"({one})" if "||" in one else one for one in conditions)]
    made = {**inner, **({"if": conditions[0]} if conditions else {})}
    if outer.get("env"):
        made["env"] = {**mapping(outer["env"]), **mapping(inner.get("env"))}
    if "continue-on-error" in outer:
        made["continue-on-error"] = outer["continue-on-error"]
    return made


def _bare(condition: str) -> str:
    return re.sub(r"^\s*\$\{\{((?:(?!\$\{\{).)*)\}\}\s*$", r"\1", condition, flags=re.DOTALL).strip()
