"""Parts of a program keep their names although engines number them differently in each run."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from cadence.adapters.engine_reports.models import JsonModels
from cadence.application.melodium.progress import Progress
from cadence.application.melodium.take_events import EventsTaken
from cadence.domain.melodium.events import Built, CountedValues, Event, Started, Track, TrackedTreatment
from cadence.domain.melodium.model import ProgramModel
from cadence.domain.melodium.part_labels import MOST_WAITING
from cadence.domain.melodium.program import read_program

AT = "2026-11-30T10:00:00Z"
LABELS = ("first", "second", "third")


def identifier(name: str) -> dict[str, Any]:
    path, _, name = name.partition("::")
    return {"version": "0.11.0", "path": path.split("/"), "name": name}


def designed(name: str, **parts: Any) -> dict[str, Any]:
    treatments = {label: {"identifier": identifier(of), "parameters": given} for label, (of, given) in parts.items()}
    return {"treatment": {
        "identifier": identifier(name), "implementation_kind": {"designed": {"treatments": treatments}}
    }}  # fmt: skip


def program(words: Sequence[Any] = LABELS, given: str = "word") -> dict[str, Any]:
    """`main` has three `says`, whose first part is a source, so that engines name none of them."""
    says = {
        label: ("twice::says", {"word": {"raw": {"string": word} if isinstance(word, str) else word}})
        for label, word in zip(LABELS, words, strict=True)
    }
    return {"entrypoint": identifier("twice::main"), "collection": {"elements": [
        designed("twice::main", **says),
        designed("twice::says", startup=("std/engine/util::startup", {}), word=("std/flow::emit", {"value": {"variable": given}}),
                 line=("std/engine/log::logInfo", {"label": {"raw": {"string": "says"}}})),
    ]}}  # fmt: skip


def place(part: str, number: int, track: int | None = None) -> TrackedTreatment:
    treatments = {"word": "std/flow::emit", "line": "std/engine/log::logInfo"}
    return TrackedTreatment(
        track=number if track is None else track, treatment=treatments[part], build=10 + number, host="twice::says",
        host_build=number, label=part,
    )  # fmt: skip


def instance(number: int, word: str) -> list[Event]:
    """What an engine says of the `says` with this number: the part that tells nothing comes first."""
    return [
        Track(AT, number, finished=False),
        Built(AT, place("line", number), {"label": {"type": "string", "value": "says"}}),
        Built(AT, place("word", number), {"value": {"type": "string", "value": word}}),
        Started(AT, place("word", number)),
        CountedValues(AT, place("word", number), "emit", number + 1),
        Track(AT, number, finished=True),
    ]


def model_of(dump: dict[str, Any], events: Sequence[Event]) -> ProgramModel:
    model = ProgramModel(run_id="run")
    model.learn(read_program(dump))
    for event in events:
        model.apply(event)
    model.settle()
    return model


def sent(model: ProgramModel) -> dict[str, int]:
    return {name: output.count for (name, _), output in sorted(model.outputs.items())}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_part_is_known_by_what_its_own_parts_were_built_with(order: tuple[int, ...]) -> None:
    events = [event for number, which in enumerate(order) for event in instance(number, LABELS[which])]
    model = model_of(program(), events)
    assert sent(model) == {f"main/{LABELS[which]}/word": number + 1 for number, which in enumerate(order)}
    assert not model.labels.waiting and not model.labels.open


def test_parts_that_are_built_beside_one_another_are_told_apart() -> None:
    """As engines with several threads report them."""
    pairs = zip(instance(0, "third"), instance(1, "first"), strict=True)
    interleaved: list[Event] = [event for pair in pairs for event in pair]
    assert sent(model_of(program(), interleaved)) == {"main/third/word": 1, "main/first/word": 2}


def test_further_tracks_of_a_part_have_its_name() -> None:
    again: list[Event] = [
        Built(AT, place("word", 0, track=7), {}),
        CountedValues(AT, place("word", 0, track=7), "emit", 5),
    ]
    model = model_of(program(), [*instance(0, "second"), *again])
    assert sent(model) == {"main/second/word": 1, "main/second/word#7": 5}


@pytest.mark.parametrize(
    ("dump", "word"),
    [
        (program(("same", "same", "same")), "same"),
        (program(given="computed"), "third"),
        (program(({"data": 1}, ["no value"], {"unknown": 2})), "third"),
        (program(), "***"),
        (program(), "none of them"),
    ],
    ids=["alike", "not given by the entrypoint", "not plain", "masked", "unknown"],
)
def test_what_cannot_be_told_apart_has_the_labels_in_their_order(dump: dict[str, Any], word: str) -> None:
    model = model_of(dump, [*instance(0, word), *instance(1, word)])
    assert sent(model) == {"main/first/word": 1, "main/second/word": 2}


def test_no_event_waits_for_good() -> None:
    events: list[Event] = [Built(AT, place("line", 0), {}), *[Started(AT, place("line", 0))] * MOST_WAITING]
    model = ProgramModel(run_id="run")
    model.learn(read_program(program()))
    for event in events:
        model.apply(event)
    assert not model.labels.waiting and "main/first/line" in model.elements


def test_a_stored_model_knows_what_it_found() -> None:
    codec = JsonModels()
    model = model_of(program(), instance(1, "third"))
    stored = codec.encode(EventsTaken(model, Progress()))
    again = codec.decode(stored).model
    again.learn(read_program(program()))
    later: list[Event] = [*instance(0, "first"), CountedValues(AT, place("word", 1), "emit", 4)]
    for event in later:
        again.apply(event)
    again.settle()
    assert sent(again) == {"main/first/word": 1, "main/third/word": 6}
