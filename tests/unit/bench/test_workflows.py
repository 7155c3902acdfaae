"""The order of a run is checked against every dependency of its document."""

from bench.workflows import graph_of, out_of_order

TEXT = """\
cadence: 1
name: x
treatments:
  last: {inputs: {n: Stream<byte>}, run: "true", after: [middle]}
  first: {outputs: {n: Stream<byte>}, run: "true"}
  middle: {run: "true", after: [first]}
connections: [first.n -> last.n]
"""


def test_a_graph_has_what_is_waited_for_first() -> None:
    assert list(graph_of(TEXT).items()) == [("first", []), ("middle", ["first"]), ("last", ["first", "middle"])]


def test_a_treatment_that_starts_too_early_is_named() -> None:
    times = {
        "first": {"started_at": "2025-01-01T00:00:00Z", "finished_at": "2025-01-01T00:00:02Z"},
        "middle": {"started_at": "2025-01-01T00:00:01Z", "finished_at": "2025-01-01T00:00:03Z"},
        "last": {"started_at": "2025-01-01T00:00:03Z", "finished_at": "2025-01-01T00:00:04Z"},
    }
    assert out_of_order(graph_of(TEXT), times) == ["middle started before first ended"]
