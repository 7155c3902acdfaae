"""A split finds and counts exactly the lines that the matcher decides for, in the order of their places."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.log_corpus import segments
from cadence.adapters.split_folder import SplitFolder
from cadence.adapters.tantivy_splits.building import build_split
from cadence.adapters.tantivy_splits.reading import TantivySplit
from cadence.application.search_ports import Place
from cadence.application.split_ports import Bounds, Counting
from cadence.domain.search.matching import Matcher, Owner
from cadence.domain.search.query import (
    And,
    Field,
    FieldName,
    FieldPrefix,
    Not,
    Or,
    Pattern,
    Phrase,
    Prefix,
    Query,
    Word,
)
from cadence.domain.search.split import SplitLine

ROWS = sorted(
    SplitLine(line["time"], one.run_id, one.number, position, one.pipeline, line)
    for one in segments(3_000, per_segment=500, per_run=1_000)
    for position, line in enumerate(one.lines)
)
MIDDLE = datetime.fromisoformat(ROWS[1_500].time)
CONDITIONS = [
    Word("tests"),
    Word("absent"),
    Prefix("conn"),
    Prefix("übertr"),
    Phrase(("connection", "timed", "out")),
    Phrase(("pull", "comp"), open_ended=True),
    Phrase(("job", "1"), open_ended=True),
    Pattern(r"(?i)PULL complete$"),
    Pattern(r"^npm http .*\d{3}ms", (Word("npm"), Word("http"))),
    Field(FieldName.LEVEL, ("error", "warning")),
    Field(FieldName.RUN, (ROWS[0].run_id, "none")),
    FieldPrefix(FieldName.TREATMENT, "uni"),
    Field(FieldName.PROJECT, ("other",)),
    Not(Word("tests")),
    Not(Pattern("^tests")),
    And((Word("tests"), Not(Word("passed")))),
    Or((Word("deadlock"), And((Pattern("zstd?"), Field(FieldName.STREAM, ("stderr",)))))),
]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> TantivySplit:
    folder: Path = tmp_path_factory.mktemp("split")
    facts = build_split(folder / "file", "acme", "shop", ROWS)
    assert (facts.lines, facts.first_time, facts.last_time) == (len(ROWS), ROWS[0].time, ROWS[-1].time)
    kept = SplitFolder(folder / "kept", 1 << 30)
    with (folder / "file").open("rb") as source:
        kept.keep("one", source)
    opened = kept.open("one")
    assert opened is not None
    return opened


def _matching(query: Query) -> list[SplitLine]:
    matcher = Matcher(query)
    return [row for row in ROWS if matcher(Owner("acme", "shop", row.pipeline, row.run_id), row.line)]


def test_lines_come_out_as_they_went_in(split: TantivySplit) -> None:
    assert list(split.lines()) == ROWS


@pytest.mark.parametrize("condition", CONDITIONS, ids=repr)
@pytest.mark.parametrize("timed", [False, True])
def test_it_finds_what_the_matcher_decides_for(split: TantivySplit, condition: Any, timed: bool) -> None:
    query = Query(condition, MIDDLE - timedelta(seconds=40), MIDDLE) if timed else Query(condition)
    wanted = [Place(*row[:4]) for row in reversed(_matching(query))]
    found: list[Place] = []
    before = None
    while hits := split.search(query, Matcher(query), 97, Bounds(before), lambda: False).hits:
        found += [hit.place for hit in hits]
        before = found[-1]
    assert found == wanted


@pytest.mark.parametrize("condition", CONDITIONS, ids=repr)
@pytest.mark.parametrize("by", [None, FieldName.LEVEL, FieldName.TREATMENT, FieldName.PROJECT])
@pytest.mark.parametrize("seconds", [None, 10])
def test_it_counts_what_the_matcher_decides_for(
    split: TantivySplit, condition: Any, by: FieldName | None, seconds: int | None
) -> None:
    query = Query(condition)
    owned = {FieldName.PROJECT: "shop", None: None}
    wanted = Counter(
        (
            None if seconds is None else int(datetime.fromisoformat(row.time).timestamp()) // seconds * seconds,
            owned[by] if by in owned else row.line[by.value],  # type: ignore[union-attr]
        )
        for row in _matching(query)
    )
    counting = Counting(by, None if seconds is None else timedelta(seconds=seconds))
    assert split.count(query, Matcher(query), counting, lambda: False) == (dict(wanted), True)


def test_a_search_whose_time_is_over_says_down_to_where_it_has_looked(split: TantivySplit) -> None:
    query = Query(Not(Pattern(".")))
    found = split.search(query, Matcher(query), 10, Bounds(), lambda: True)
    assert found.hits == []
    assert found.down_to is not None and found.down_to < Place(*ROWS[-1][:4])
