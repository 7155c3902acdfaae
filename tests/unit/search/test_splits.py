"""A split finds and counts exactly the lines that the matcher decides for, in the order of their places."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.log_corpus import CorpusSegment, segments
from cadence.adapters.tantivy.building import BuildingOfSplit, merge_splits
from cadence.adapters.tantivy.reading import TantivySplit
from cadence.adapters.tantivy.split_folder import SplitFolder
from cadence.application.search.ports import LinePosition
from cadence.application.search.split_ports import BuiltSplit, SplitBounds, SplitCounting
from cadence.domain.logs.log import Segment
from cadence.domain.search.matching import LineOwner, Matcher
from cadence.domain.search.query import (
    And,
    Everything,
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
from cadence.domain.search.split import SplitFacts, SplitLine

# More than one block.
SEGMENTS = list(segments(4_500, per_segment=500, per_run=1_000))
ROWS = sorted(
    SplitLine(line["time"], one.run_id, one.number, position, one.pipeline, line)
    for one in SEGMENTS
    for position, line in enumerate(one.lines)
)
OLDER = Path(__file__).with_name("older.split")
OLDER_ROWS = sorted(
    SplitLine(line["time"], one.run_id, one.number, position, one.pipeline, line)
    for one in segments(600, per_segment=200, per_run=300)
    for position, line in enumerate(one.lines)
)
MIDDLE = datetime.fromisoformat(ROWS[4_200].time)
TEXTS = [str(row.line["text"]) for row in ROWS]
DIGEST = next(text.partition("request_id=")[2] for text in TEXTS if "request_id=" in text)
CONDITIONS = [
    Word("tests"),
    Word("absent"),
    Word(DIGEST),
    Word(DIGEST[:-1] + ("0" if DIGEST[-1] != "0" else "1")),
    Not(Word(DIGEST)),
    Prefix(DIGEST[:2]),
    Prefix(DIGEST[:4]),
    Prefix(DIGEST[:7]),
    Phrase(("id", DIGEST)),
    Phrase(("request", "id", DIGEST[:6]), open_ended=True),
    Pattern(DIGEST[2:12]),
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


def _built(folder: Path, some: Sequence[CorpusSegment]) -> tuple[TantivySplit, SplitFacts]:
    building = BuildingOfSplit(folder / "file", "acme", "shop")
    for one in some:
        lines = one.lines
        building.add(
            Segment(
                organization="acme",
                project="shop",
                pipeline=one.pipeline,
                run_id=one.run_id,
                number=one.number,
                key="",
                first_time="",
                last_time="",
                lines=len(lines),
                treatments=(),
                levels=(),
            ),
            lines,
        )
    return _kept(folder, building.finish())


def _kept(folder: Path, built: BuiltSplit) -> tuple[TantivySplit, SplitFacts]:
    kept = SplitFolder(folder / "kept", 1 << 30)
    with built.file.open("rb") as source:
        kept.keep("one", source)
    opened = kept.open("one")
    assert opened is not None
    return opened, built.facts


@pytest.fixture(scope="module", params=["built", "merged"])
def split(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TantivySplit:
    """All lines: built as they come, and merged from splits that overlap in time."""
    folder: Path = tmp_path_factory.mktemp("split")
    if request.param == "built":
        opened, facts = _built(folder, SEGMENTS)
    else:
        parts = []
        for number in range(3):
            (folder / str(number)).mkdir()
            parts.append(_built(folder / str(number), SEGMENTS[number::3])[0])
        target = folder / "file"
        facts = merge_splits(target, "acme", "shop", [part.stored for part in parts])
        opened, _ = _kept(folder, BuiltSplit(target, facts))
    assert (facts.lines, facts.first_time, facts.last_time) == (len(ROWS), ROWS[0].time, ROWS[-1].time)
    assert facts.values[FieldName.RUN] == sorted({one.run_id for one in SEGMENTS})
    return opened


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> tuple[TantivySplit, TantivySplit]:
    """A split of the version before, and what it is merged to."""
    folder: Path = tmp_path_factory.mktemp("older")
    kept = SplitFolder(folder / "kept", 1 << 30)
    with OLDER.open("rb") as source:
        kept.keep("older", source)
    opened = kept.open("older")
    assert opened is not None
    target = folder / "file"
    merged, _ = _kept(folder, BuiltSplit(target, merge_splits(target, "acme", "shop", [opened.stored])))
    return opened, merged


def _of_place(place: LinePosition) -> tuple[str, str, int, int]:
    return place.time, place.run_id, place.segment, place.index


@cache
def _matching(query: Query) -> tuple[SplitLine, ...]:
    matcher = Matcher(query)
    return tuple(row for row in ROWS if matcher.matches(LineOwner("acme", "shop", row.pipeline, row.run_id), row.line))


def test_lines_come_out_as_they_went_in(split: TantivySplit) -> None:
    hits = split.search(Query(Everything()), Matcher(Query(Everything())), 5_000, SplitBounds(), lambda: False).hits
    assert [SplitLine(*_of_place(hit.place), hit.pipeline, hit.line) for hit in reversed(hits)] == ROWS


@pytest.mark.parametrize("condition", CONDITIONS, ids=repr)
@pytest.mark.parametrize("timed", [False, True])
def test_it_finds_what_the_matcher_decides_for(split: TantivySplit, condition: Any, timed: bool) -> None:
    query = Query(condition, MIDDLE - timedelta(seconds=40), MIDDLE) if timed else Query(condition)
    wanted = [LinePosition(*row[:4]) for row in reversed(_matching(query))]
    found: list[LinePosition] = []
    before = None
    while hits := split.search(query, Matcher(query), 97, SplitBounds(before), lambda: False).hits:
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
    counting = SplitCounting(by, None if seconds is None else timedelta(seconds=seconds))
    assert split.count(query, Matcher(query), counting, lambda: False) == (dict(wanted), True)


@pytest.mark.parametrize("condition", CONDITIONS, ids=repr)
def test_a_split_of_an_earlier_version_is_searched_and_merged(
    older: tuple[TantivySplit, TantivySplit], condition: Any
) -> None:
    """The file was written by the version before digests were shortened and blocks were sorted."""
    query = Query(condition)
    matcher = Matcher(query)
    wanted = [
        row
        for row in reversed(OLDER_ROWS)
        if matcher.matches(LineOwner("acme", "shop", row.pipeline, row.run_id), row.line)
    ]
    for split in older:
        hits = split.search(query, matcher, 5_000, SplitBounds(), lambda: False).hits
        assert [SplitLine(*_of_place(hit.place), hit.pipeline, hit.line) for hit in hits] == wanted


@pytest.mark.parametrize("number", [300, 599])
def test_lines_from_within_a_block_on_are_found_once(older: tuple[TantivySplit, TantivySplit], number: int) -> None:
    query = Query(Pattern("."), datetime.fromisoformat(OLDER_ROWS[number].time))
    wanted = [row for row in reversed(OLDER_ROWS) if row.time >= OLDER_ROWS[number].time]
    counting = SplitCounting(None, None)
    for split in older:
        hits = split.search(query, Matcher(query), 5_000, SplitBounds(), lambda: False).hits
        assert [_of_place(hit.place) for hit in hits] == [row[:4] for row in wanted]
        tally, _ = split.count(query, Matcher(query), counting, lambda: False)
        assert sum(tally.values()) == len(wanted)


def test_a_search_whose_time_is_over_says_down_to_where_it_has_looked(split: TantivySplit) -> None:
    query = Query(Not(Pattern(".")))
    found = split.search(query, Matcher(query), 10, SplitBounds(), lambda: True)
    assert found.hits == []
    assert found.down_to is not None and found.down_to < LinePosition(*ROWS[-1][:4])
