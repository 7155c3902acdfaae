"""What `cadence graph` says of edges, flows and the critical path."""

from typing import Any

from cadence.cli.runs.graph import edge_row, folded_edges, path_words, with_flows


def edge(source: str, target: str, flow: str = "stream", **more: Any) -> dict[str, Any]:
    source_treatment, _, source_port = source.partition(".")
    target_treatment, _, target_port = target.partition(".")
    ends = {"source": source_treatment, "source_port": source_port or "completed"}
    ends |= {"target": target_treatment, "target_port": target_port or "after"}
    return {**ends, "flow": flow, "size": None, "flow_now": None, **more}


def sent(size: int, behind: int | None = None, *, ended: bool = False) -> dict[str, Any]:
    readers = [] if behind is None else [{"treatment": "total", "behind": behind}]
    return {"port": "rows", "size": size, "ended": ended, "readers": readers}


def flow_now(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    before_by_port, now_by_port = ({("export", "rows"): one} if one else {} for one in (before, now))
    (found,) = with_flows([edge("export.rows", "total.rows")], before_by_port, now_by_port, 2.0)
    flow: dict[str, Any] = found["flow_now"]
    return flow


def test_a_flow_has_the_rate_between_two_readings():
    found = flow_now(sent(1_000), sent(5_000, behind=700))

    assert found == {"size": 5_000, "per_second": 2_000.0, "behind": 700, "ended": False, "stalled": False}


def test_a_stream_of_which_nothing_was_sent_is_stalled_unless_it_ended():
    assert flow_now(sent(1_000), sent(1_000, behind=0))["stalled"] is True
    assert flow_now(sent(1_000), sent(1_000, ended=True))["stalled"] is False


def test_the_stream_of_a_new_attempt_begins_anew():
    assert flow_now(sent(9_000), sent(500))["per_second"] == 0


def test_a_stream_that_began_in_between_has_a_rate():
    assert flow_now(None, sent(4_096))["per_second"] == 2_048


def test_an_edge_over_which_nothing_flows_has_none():
    (found,) = with_flows([edge("a.out", "b.in", "block", size=3)], {}, {}, 2.0)

    assert found["flow_now"] is None
    assert edge_row(found) == ("a.out", "b.in", "block", "3 B", "-", "-")


def test_the_cells_of_a_flow_say_what_was_sent_how_fast_and_how_far_its_reader_is_behind():
    def cells(**flow: Any) -> list[str]:
        known = {"size": 2_048, "per_second": 1_024.0, "behind": None, "ended": False, "stalled": False}
        return [str(cell) for cell in edge_row(edge("export.rows", "total.rows", flow_now=known | flow))[3:]]

    assert cells() == ["2.0 KiB", "1.0 KiB/s", "-"]
    assert cells(behind=512) == ["2.0 KiB", "1.0 KiB/s", "512 B"]
    assert cells(stalled=True) == ["2.0 KiB", "stalled", "-"]
    assert cells(ended=True) == ["2.0 KiB", "all sent", "-"]


def test_an_edge_that_is_only_an_order_names_no_ports():
    assert edge_row(edge("build", "deploy", "block"))[:4] == ("build", "deploy", "order", "-")


def test_edges_of_instances_are_those_of_their_group():
    edges = [edge("list.n", "test:a.n", "block"), edge("list.n", "test:b.n", "block"), edge("test.out", "end.in")]

    found = folded_edges(edges, {"test:a": "test", "test:b": "test"})

    assert [(one["source"], one["target"]) for one in found] == [("list", "test"), ("test", "end")]


def steps(*names: str) -> list[dict[str, Any]]:
    since, until = "2026-12-01T09:00:00+00:00", "2026-12-01T09:02:14+00:00"
    return [{"treatment": name, "since": since, "until": until} for name in names]


def test_the_critical_path_is_told_in_words():
    assert path_words(steps("a", "b", "c")) == "a → b → c, 2 min 14 s"
    assert path_words(steps(*(f"t{at}" for at in range(40)))) == (
        "t0 → t1 → t2 → t3 → t4 → t5 → 28 more → t34 → t35 → t36 → t37 → t38 → t39, 2 min 14 s"
    )
