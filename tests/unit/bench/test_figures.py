"""Goals are held against figures in the right direction, and said."""

import pytest

from bench.figures import Figure, Goal, Report, percentile
from bench.graph import chain, layered


def test_a_goal_is_a_bound_from_one_side() -> None:
    assert Goal(25).met_by(25) and not Goal(25).met_by(25.1)
    assert Goal(200, at_least=True).met_by(200) and not Goal(200, at_least=True).met_by(199)


def test_a_report_says_what_is_missed_and_what_is_a_peers() -> None:
    report = Report("Something")
    report.add("ours", 30, "ms", Goal(25))
    report.add("theirs", 20, "ms", peer=True)
    ours, theirs = str(report).splitlines()[1:]
    assert "MISSED" in ours and "(peer)" in theirs
    assert [figure["met"] for figure in report.as_json()["figures"]] == [False, None]


def test_small_values_keep_their_digits() -> None:
    assert "0.0013" in str(Figure("cost", 0.0013, "USD"))


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (95, 10), (10, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: int) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


def test_graphs_name_only_what_is_listed_before() -> None:
    for graph in (chain(5), layered(45, 20)):
        seen: set[str] = set()
        for name, after in graph.items():
            assert seen.issuperset(after)
            seen.add(name)
    assert len(layered(45, 20)["t00020"]) == 2
