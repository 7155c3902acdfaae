"""Documents drawn at random, of everything that orders treatments: not all of them are valid."""

from dataclasses import dataclass
from random import Random
from typing import Any

SCRIPTS = {
    "Block<u64>": 'echo 3 > "$CADENCE_OUT_{port}"',
    "Stream<string>": "printf 'one\\ntwo\\n' > \"$CADENCE_OUT_{port}\"",
    "Block<Vec<u64>>": 'echo "[1, 2]" > "$CADENCE_OUT_{port}"',
}
_TYPES = tuple(SCRIPTS)
_OUTCOMES = ("exit 0", "exit 0", "exit 0", "exit 0", "exit 0", "exit 1")
_LIFECYCLE = ("completed", "failed", "finished")
_AXES: dict[str, list[Any]] = {"m": [1, 2], "k": ["x"]}
_STATES = ("succeeded", "failed", "skipped", "cancelled")
_LIBRARY = {
    "duplicate": {
        "generics": ["T"],
        "inputs": {"in": "Stream<T>"},
        "outputs": {"left": "Stream<T>", "right": "Stream<T>"},
        "run": 'tee "$CADENCE_OUT_left" < "$CADENCE_IN_in" > "$CADENCE_OUT_right"',
    },
    "pass": {"use": "duplicate", "env": {"LEVEL": "${{ parameters.level + 1 }}"}},
}


@dataclass(frozen=True)
class _Output:
    """`axes` are those of its treatment's matrix; a `group` has a matrix or `each`."""

    treatment: str
    port: str
    kind: str
    axes: frozenset[str] = frozenset()
    group: bool = False

    def read_by(self, axes: frozenset[str], random: Random) -> str:
        """A type that a consumer with these axes can have for it."""
        if not self.group or (self.axes and self.axes <= axes) or self.kind.startswith("Stream"):
            return self.kind
        element = _inner(self.kind)
        return random.choice((f"Block<Vec<{element}>>", f"Stream<{element}>"))


def document(random: Random, size: int) -> dict[str, Any]:
    """A pipeline of up to `size` treatments, each over some of those before it, and now and then something wrong."""
    drawn = _Drawn(random)
    for index in range(random.randint(1, size)):
        drawn.add(f"t{index}")
    if drawn.treatments and random.random() < 0.1:
        first = drawn.treatments["t0"]
        first.setdefault("after", []).append(random.choice([*drawn.treatments, "nowhere"]))
    used = any("use" in body for body in drawn.treatments.values())
    return {
        "cadence": 1,
        "name": "drawn",
        "parameters": {"level": {"type": "u64", "default": random.randint(0, 2)}},
        "priority": random.randint(0, 100),
        **({"defaults": {"retry": {"infrastructure": 1}}} if random.random() < 0.2 else {}),
        **({"definitions": _LIBRARY} if used else {}),
        "treatments": drawn.treatments,
        **({"connections": drawn.connections} if drawn.connections else {}),
    }


class _Drawn:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._outputs: list[_Output] = []
        self.treatments: dict[str, dict[str, Any]] = {}
        self.connections: list[str] = []

    def add(self, name: str) -> None:
        if self._outputs and self._random.random() < 0.1:
            self._copy(name)
            return
        body: dict[str, Any] = {}
        axes = self._matrix(body)
        item = self._each(name, body) if not axes else {}
        inputs = {**item, **self._inputs(name, body, axes)}
        self._condition(body, axes)
        outputs = {f"o{number}": self._random.choice(_TYPES) for number in range(self._random.randint(0, 2))}
        if self._random.random() < 0.2:
            causes = self._random.sample(("failure", "infrastructure", "timeout"), self._random.randint(1, 3))
            body["retry"] = {cause: self._random.randint(0, 2) for cause in causes}
            if self._random.random() < 0.3:
                body["retry"]["exit_codes"] = [self._random.randint(1, 2)]
        if self._random.random() < 0.15:
            key = self._random.choice(("one", "${{ parameters.level }}", f"of-{name}"))
            body["cache"] = {"key": key, "paths": ["kept/"], "restore": ["o"]}
        if self._random.random() < 0.15:
            body["env"] = {"LEVEL": "${{ parameters.level * 2 }}", "NAME": name}
        lines = [f'test -z "${{CADENCE_IN_{port}:-}}" || cat "$CADENCE_IN_{port}"' for port in inputs]
        lines += [SCRIPTS[kind].format(port=port) for port, kind in outputs.items()]
        body |= {"run": "\n".join([*lines, self._random.choice(_OUTCOMES)])}
        if inputs:
            body["inputs"] = inputs
        if outputs:
            body["outputs"] = outputs
        self.treatments[name] = body
        self._outputs += [_Output(name, port, kind, axes, bool(axes or item)) for port, kind in outputs.items()]

    def _matrix(self, body: dict[str, Any]) -> frozenset[str]:
        if self._random.random() < 0.8:
            return frozenset()
        axes = frozenset(self._random.sample(sorted(_AXES), self._random.randint(1, 2)))
        body["matrix"] = {axis: _AXES[axis] for axis in sorted(axes)}
        if self._random.random() < 0.3:
            body["matrix"] |= {"fail_fast": self._random.random() < 0.5, "max_parallel": self._random.randint(1, 2)}
        return axes

    def _each(self, name: str, body: dict[str, Any]) -> dict[str, str]:
        if not self._outputs or self._random.random() < 0.85:
            return {}
        output = self._random.choice(self._outputs)
        kind = output.read_by(frozenset(), self._random)
        if kind.startswith("Block<Vec<"):
            kind = _inner(kind)
        elif kind.startswith("Block") and self._random.random() < 0.95:
            return {}
        body |= {"each": "item", "parallel": self._random.choice((1, 2, 16))}
        self.connections.append(f"{output.treatment}.{output.port} -> {name}.item")
        return {"item": f"Block<{_inner(kind)}>"}

    def _condition(self, body: dict[str, Any], axes: frozenset[str]) -> None:
        if self._random.random() < 0.8:
            return
        conditions: list[Any] = [self._random.random() < 0.7, "${{ parameters.level < 2 }}"]
        if "m" in axes:
            conditions.append("${{ matrix.m == 1 }}")
        if self.treatments:
            over, state = self._random.choice(sorted(self.treatments)), self._random.choice(_STATES)
            conditions += [f"${{{{ treatments.{over}.state {sign} '{state}' }}}}" for sign in ("==", "!=")]
        body["when"] = self._random.choice(conditions)

    def _inputs(self, name: str, body: dict[str, Any], axes: frozenset[str]) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        earlier = list(self.treatments)
        for number in range(self._random.randint(0, 3)):
            port = f"i{number}"
            match self._random.choice(
                ("output", "output", "lifecycle", "after", "literal", "optional", "default", "forgotten")
            ):
                case "output" if self._outputs:
                    output = self._random.choice(self._outputs)
                    fitting = output.read_by(axes, self._random)
                    inputs[port] = fitting if self._random.random() < 0.97 else self._random.choice(_TYPES)
                    self.connections.append(f"{output.treatment}.{output.port} -> {name}.{port}")
                case "lifecycle" if earlier:
                    inputs[port] = "Block<void>"
                    self.connections.append(
                        f"{self._random.choice(earlier)}.{self._random.choice(_LIFECYCLE)} -> {name}.{port}"
                    )
                case "after" if earlier:
                    body["after"] = sorted({*body.get("after", ()), self._random.choice(earlier)})
                case "literal":
                    inputs[port] = {"type": "Block<u64>", "value": number}
                case "optional":
                    inputs[port] = {"type": "Stream<string>", "optional": True}
                    self._perhaps_fed(name, port, "Stream<string>")
                case "default":
                    inputs[port] = {"type": "Block<u64>", "default": number}
                    self._perhaps_fed(name, port, "Block<u64>")
                case "forgotten" if self._random.random() < 0.05:
                    inputs[port] = "Block<u64>"
        return inputs

    def _perhaps_fed(self, name: str, port: str, kind: str) -> None:
        """An input that need not be connected may be all the same."""
        fitting = [output for output in self._outputs if output.kind == kind and not output.group]
        if fitting and self._random.random() < 0.6:
            output = self._random.choice(fitting)
            self.connections.append(f"{output.treatment}.{output.port} -> {name}.{port}")

    def _copy(self, name: str) -> None:
        """A generic treatment, fed by a stream or by what can be read as one."""
        body: dict[str, Any] = {"use": self._random.choice(sorted(_LIBRARY))}
        axes = self._matrix(body)
        kinds = {output: output.read_by(axes, self._random) for output in self._outputs}
        streams = [output for output, kind in kinds.items() if kind.startswith("Stream")]
        if not streams:
            return
        source = self._random.choice(streams)
        self.treatments[name] = body
        self.connections.append(f"{source.treatment}.{source.port} -> {name}.in")
        self._outputs += [_Output(name, port, kinds[source], axes, bool(axes)) for port in ("left", "right")]


def _inner(kind: str) -> str:
    return kind.partition("<")[2].removesuffix(">")
