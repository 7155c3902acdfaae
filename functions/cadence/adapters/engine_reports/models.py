"""`ModelCodec`: models as compressed JSON, which keeps all digits of large integers."""

import dataclasses
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from cadence.application.melodium.progress import Progress
from cadence.application.melodium.take_events import EventsTaken
from cadence.domain.melodium.model import Feed, Output, ProgramElement, ProgramModel
from cadence.domain.melodium.part_labels import PartLabels
from cadence.domain.melodium.program import NO_PROGRAM, Program, read_program

_PLAIN = ("run_id", "entrypoint", "models_over", "left_out", "tracks")


class JsonModels:
    def encode(self, taken: EventsTaken) -> bytes:
        model = taken.model
        data: dict[str, Any] = {
            "progress": vars(taken.progress),
            "program_sha256": taken.program_sha256,
            "plain": {name: getattr(model, name) for name in _PLAIN},
            "elements": [_values(element) for element in model.elements.values()],
            "outputs": [
                [*port, _values(dataclasses.replace(output, new=[]))] for port, output in model.outputs.items()
            ],
            "feeds": [[*port, *feed.source, feed.count] for port, feed in model.feeds.items()],
            "names": [[*instance, name] for instance, name in model.names.items()],
            "labels": [[*numbered, label] for numbered, label in model.labels.chosen.items()],
        }
        return zlib.compress(msgspec.json.encode(data), 1)

    def decode(self, content: bytes) -> EventsTaken:
        data = msgspec.json.decode(zlib.decompress(content))
        elements = [ProgramElement(**_named(ProgramElement, values)) for values in data["elements"]]
        model = ProgramModel(
            **{**data["plain"], "tracks": {int(track): over for track, over in data["plain"]["tracks"].items()}},
            program=NO_PROGRAM,
            elements={element.name: element for element in elements},
            outputs={(name, port): Output(**_named(Output, values)) for name, port, values in data["outputs"]},
            feeds={(name, port): Feed((source, output), count) for name, port, source, output, count in data["feeds"]},
            names={(track, treatment, build): name for track, treatment, build, name in data["names"]},
            labels=PartLabels(
                chosen={(treatment, build): label for treatment, build, label in data.get("labels", ())},
                announced={(track, treatment, build) for track, treatment, build, _ in data["names"]},
            ),
        )
        return EventsTaken(model, Progress.read(data["progress"]), data["program_sha256"])

    def program(self, content: bytes) -> Program:
        return read_program(msgspec.json.decode(content))


def _values(item: Any) -> list[Any]:
    return [getattr(item, field.name) for field in dataclasses.fields(item)]


def _named(kind: type[Any], values: Sequence[Any]) -> dict[str, Any]:
    """Returns the fields of the dataclass ``kind`` by name, from ``values`` in the order of their declaration."""
    return dict(zip((field.name for field in dataclasses.fields(kind)), values, strict=True))
