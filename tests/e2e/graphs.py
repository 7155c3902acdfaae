"""Documents of many treatments: chains, fan-out and fan-in."""

from typing import Any


def layered(layers: int, width: int, command: str = "true", **settings: Any) -> dict[str, Any]:
    """`layers` times `width` treatments plus a source and a sink.

    The source fans out to the first layer; treatment i of a layer follows i and i+1 of the layer before (chains and
    joins);
    the sink joins the last layer.
    """
    treatments: dict[str, Any] = {"source": {"run": command, **settings}}
    for layer in range(layers):
        for position in range(width):
            if layer == 0:
                after = ["source"]
            else:
                after = sorted({f"t{layer - 1}x{position}", f"t{layer - 1}x{(position + 1) % width}"})
            treatments[f"t{layer}x{position}"] = {"run": command, "after": after, **settings}
    treatments["sink"] = {"run": command, "after": [f"t{layers - 1}x{i}" for i in range(width)], **settings}
    return {"cadence": 1, "name": "graph", "treatments": treatments}
