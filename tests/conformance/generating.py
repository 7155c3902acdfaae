"""Documents drawn at random, of everything that orders treatments: not all of them are valid."""

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
_LIBRARY = {
    "duplicate": {
        "generics": ["T"],
        "inputs": {"in": "Stream<T>"},
        "outputs": {"left": "Stream<T>", "right": "Stream<T>"},
        "run": 'tee "$CADENCE_OUT_left" < "$CADENCE_IN_in" > "$CADENCE_OUT_right"',
    }
}


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
        **({"definitions": _LIBRARY} if used else {}),
        "treatments": drawn.treatments,
        **({"connections": drawn.connections} if drawn.connections else {}),
    }


class _Drawn:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._outputs: list[tuple[str, str, str]] = []
        self.treatments: dict[str, dict[str, Any]] = {}
        self.connections: list[str] = []

    def add(self, name: str) -> None:
        streams = [output for output in self._outputs if output[2].startswith("Stream")]
        if streams and self._random.random() < 0.1:
            self._copy(name, self._random.choice(streams))
            return
        body: dict[str, Any] = {}
        inputs = self._inputs(name, body)
        outputs = {f"o{number}": self._random.choice(_TYPES) for number in range(self._random.randint(0, 2))}
        if self._random.random() < 0.2:
            body["retry"] = {cause: self._random.randint(0, 1) for cause in ("failure", "infrastructure")}
        lines = [f'test -z "${{CADENCE_IN_{port}:-}}" || cat "$CADENCE_IN_{port}"' for port in inputs]
        lines += [SCRIPTS[kind].format(port=port) for port, kind in outputs.items()]
        body |= {"run": "\n".join([*lines, self._random.choice(_OUTCOMES)])}
        if inputs:
            body["inputs"] = inputs
        if outputs:
            body["outputs"] = outputs
        self.treatments[name] = body
        self._outputs += [(name, port, kind) for port, kind in outputs.items()]

    def _inputs(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        earlier = list(self.treatments)
        for number in range(self._random.randint(0, 3)):
            port = f"i{number}"
            match self._random.choice(("output", "output", "lifecycle", "after", "literal", "optional", "forgotten")):
                case "output" if self._outputs:
                    producer, output, kind = self._random.choice(self._outputs)
                    inputs[port] = kind if self._random.random() < 0.97 else self._random.choice(_TYPES)
                    self.connections.append(f"{producer}.{output} -> {name}.{port}")
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
                case "forgotten" if self._random.random() < 0.05:
                    inputs[port] = "Block<u64>"
        return inputs

    def _copy(self, name: str, source: tuple[str, str, str]) -> None:
        producer, output, kind = source
        self.treatments[name] = {"use": "duplicate"}
        self.connections.append(f"{producer}.{output} -> {name}.in")
        self._outputs += [(name, "left", kind), (name, "right", kind)]
