"""A specification is read once, or not at all if another call has brought it."""

from cadence.adapters.caching.known_specs import KnownSpecs
from cadence.domain.pipelines.specification import TreatmentSpec


class Reader:
    def __init__(self) -> None:
        self.read: list[tuple[str, str]] = []

    def __call__(self, run_id: str, treatment: str) -> TreatmentSpec:
        self.read.append((run_id, treatment))
        return TreatmentSpec(name=treatment, run="true")


def test_a_specification_is_read_once() -> None:
    reader = Reader()
    specs = KnownSpecs(reader)
    assert specs("01a", "build") is specs("01a", "build")
    assert specs("01b", "build").name == "build"
    assert reader.read == [("01a", "build"), ("01b", "build")]


def test_one_that_is_noted_is_not_read() -> None:
    reader = Reader()
    specs = KnownSpecs(reader)
    noted = specs.note("01a", TreatmentSpec(name="build", run="make"))
    assert specs("01a", "build") is noted
    assert reader.read == []


def test_those_used_last_are_kept() -> None:
    reader = Reader()
    specs = KnownSpecs(reader, most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        specs("01a", name)
    assert [name for _, name in reader.read] == ["a", "b", "c", "b"]
