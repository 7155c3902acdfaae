"""Follows lines live across runs: each once, in the order in which their segments arrived."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cadence.application.logs.ports import LogSegments
from cadence.application.logs.segment_facts import facts_of, owner_of
from cadence.application.search.live_ports import LANES, Arrival, Arrivals, LiveLine, LivePage, LivePosition
from cadence.application.search.ports import SearchScope
from cadence.application.shared.ports import Clock
from cadence.application.shared.runner_ports import Followers
from cadence.domain.logs.log import Segment
from cadence.domain.search.gaps import may_hide
from cadence.domain.search.matching import Matcher
from cadence.domain.search.pruning import may_match
from cadence.domain.search.query import Query
from cadence.domain.shared.errors import NotFound

LONGEST_WAIT = timedelta(seconds=2)
_LOOK_EVERY = 0.1  # seconds
# A follower asks again, or sends a sign of life, within this time.
_FOLLOWED_FOR = timedelta(seconds=30)
_ARRIVALS_PER_LOOK = 50
_LARGEST_PAGE = 1_000_000  # characters


@dataclass(frozen=True, kw_only=True)
class FollowLines:
    """Reads the lines that arrive after a position; `sleep` takes seconds."""

    arrivals: Arrivals
    segments: LogSegments
    followers: Followers
    clock: Clock
    sleep: Callable[[float], None]
    _hurried: dict[str, datetime] = field(default_factory=dict)

    def start(self, organization: str) -> LivePosition:
        """Returns the position of a follower that begins now."""
        return LivePosition(tuple((number, 0) for number in self.arrivals.next_numbers(organization)))

    def follow(
        self,
        scope: SearchScope,
        query: Query,
        matches: Matcher,
        after: LivePosition,
        limit: int = 1_000,
        wait: timedelta = timedelta(),
        characters: int = _LARGEST_PAGE,
    ) -> LivePage:
        """Returns about `limit` matching lines after the position, with marks of gaps that may have hidden some.

        They have about `characters` characters, or are one of each lane. With `wait` (at most 2 s) it waits for the
        first line. Raises Gone if the position is older than the arrivals that are kept.
        """
        until = self.clock() + min(wait, LONGEST_WAIT)
        while True:
            page = self._look(scope, query, matches, after, limit, characters)
            if page.lines or self.clock() >= until:
                for run_id in {line.segment.run_id for line in page.lines}:
                    self.hurry(run_id)
                return page
            after = page.after
            if not page.more:
                self.sleep(_LOOK_EVERY)

    def _look(
        self, scope: SearchScope, query: Query, matches: Matcher, after: LivePosition, limit: int, characters: int
    ) -> LivePage:
        by_lane: list[list[LiveLine]] = []
        reached: list[tuple[int, int]] = []
        more = False
        for lane, (number, index) in enumerate(after.lanes):
            arrived = self.arrivals.list_arrivals(scope.organization, lane, number, _ARRIVALS_PER_LOOK)
            share = _Share(-(-limit // LANES), characters // LANES)
            at = share.take(arrived, (number, index), lambda segment: self._matching(scope, query, matches, segment))
            more = more or at[0] < number + len(arrived) or len(arrived) == _ARRIVALS_PER_LOOK
            by_lane.append(share.lines)
            reached.append(at)
        lines = list(heapq.merge(*by_lane, key=lambda live: live.line["time"]))
        return LivePage(lines, LivePosition(tuple(reached)), more)

    def _matching(self, scope: SearchScope, query: Query, matches: Matcher, segment: Segment) -> Iterator[LiveLine]:
        if segment.organization != scope.organization or segment.project not in scope.projects:
            return
        if not may_match(query, facts_of(segment), segment.first_time, segment.last_time):
            return
        owner = owner_of(segment)
        try:
            lines = self.segments.read(segment.key)
        except NotFound:
            return  # its pool's bucket refuses, which must not stop what others follow
        for index, line in enumerate(lines):
            if matches.matches(owner, line) or ("gap" in line and may_hide(query, owner, line)):
                yield LiveLine(segment, index, line)

    def hurry(self, run_id: str) -> None:
        """Makes the run's runners send their lines at once while a client follows; renewed after half of that time."""
        now = self.clock()
        if self._hurried.get(run_id, now) <= now:
            self.followers.follow(run_id, now + _FOLLOWED_FOR)
            self._hurried[run_id] = now + _FOLLOWED_FOR / 2
        for expired in [known for known, until in self._hurried.items() if until <= now]:
            del self._hurried[expired]


@dataclass
class _Share:
    """The lines and characters that one lane may add to a page."""

    lines_left: int
    characters_left: int
    lines: list[LiveLine] = field(default_factory=list)

    def take(
        self,
        arrived: Sequence[Arrival],
        after: tuple[int, int],
        matching: Callable[[Segment], Iterator[LiveLine]],
    ) -> tuple[int, int]:
        """Adds matching lines until the share is used up; returns the position to go on from."""
        number, index = after
        for arrival in arrived:
            for live in matching(arrival.segment):
                if live.index < index:
                    continue
                if self.lines and (self.lines_left <= 0 or self.characters_left < len(live.line["text"])):
                    return arrival.number, live.index
                self.lines.append(live)
                self.lines_left -= 1
                self.characters_left -= len(live.line["text"])
            number, index = arrival.number + 1, 0
        return number, index
