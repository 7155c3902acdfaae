"""The graphs that benchmarks run, for Cadence and for its peers alike: a name and what it follows."""

import json
from collections.abc import Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
COMMAND = "true"
_MATRIX = 1_000
"""How many instances a matrix may have."""


def chain(length: int) -> Graph:
    """Each after the one before."""
    return {f"t{number:05}": [f"t{number - 1:05}"] if number else [] for number in range(length)}


def layered(size: int, width: int) -> Graph:
    """`size` treatments in layers of `width`: each follows two neighbours of the layer before."""
    graph: dict[str, list[str]] = {}
    for number in range(size):
        layer, position = divmod(number, width)
        before = {f"t{(layer - 1) * width + place:05}" for place in (position, (position + 1) % width)}
        graph[f"t{number:05}"] = sorted(before) if layer else []
    return graph


def document(graph: Graph, name: str, command: str = COMMAND) -> str:
    """The graph as a pipeline (JSON is YAML)."""
    treatments = {
        treatment: {"run": command, **({"after": list(after)} if after else {})} for treatment, after in graph.items()
    }
    return json.dumps({"cadence": 1, "name": name, "treatments": treatments})


def fanned(width: int, command: str = COMMAND) -> str:
    """A pipeline of one treatment, matrices of `width` instances in all that follow it, and one that follows these."""
    matrices = {
        f"between{number}": {"number": [f"n{value}" for value in range(first, min(first + _MATRIX, width))]}
        for number, first in enumerate(range(0, width, _MATRIX))
    }
    treatments = {
        "first": {"run": command},
        **{name: {"run": command, "after": ["first"], "matrix": axes} for name, axes in matrices.items()},
        "last": {"run": command, "after": list(matrices)},
    }
    return json.dumps({"cadence": 1, "name": "fan", "treatments": treatments})
