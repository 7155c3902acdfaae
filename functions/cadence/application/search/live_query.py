"""Follows a query live, within what a principal may see."""

from dataclasses import dataclass
from datetime import timedelta

from cadence.application.scheduling.treatment_states import TreatmentStates
from cadence.application.search.find_lines import ReadQuery
from cadence.application.search.follow_lines import FollowLines
from cadence.application.search.live_ports import LivePage, LivePosition
from cadence.domain.access.access import Principal
from cadence.domain.search.matching import Matcher
from cadence.domain.search.query import Field, FieldName, Query, leaves
from cadence.domain.shared.errors import NotFound

_MOST_RUNS = 10


@dataclass(frozen=True)
class LiveQuery:
    """Reads the lines of a query that arrive after a position."""

    find: ReadQuery
    follow: FollowLines
    states: TreatmentStates

    def read(
        self,
        principal: Principal,
        text: str,
        project: str | None,
        after: LivePosition | None,
        limit: int = 1_000,
        wait: timedelta = timedelta(),
        characters: int = 1_000_000,
    ) -> LivePage:
        """Returns lines after the position; without one, those that come from now on.

        Raises BadQuery, NotFound for a project that the principal does not see, Gone for a position that is too old.
        """
        query = self.find.parse(text, self.find.clock())
        scope = self.find.scope(principal, project)
        if wait:
            self._hurry_named_runs(principal, query)
        matches = Matcher(query, self.states.within())
        begin = after or self.follow.start(principal.organization)
        return self.follow.follow(scope, query, matches, begin, limit, wait, characters)

    def _hurry_named_runs(self, principal: Principal, query: Query) -> None:
        """Makes runs that the query names send their lines at once, already before the first of them matches."""
        named = (
            value
            for leaf in leaves(query.where)
            if isinstance(leaf, Field) and leaf.name is FieldName.RUN
            for value in leaf.values
        )
        for run_id in list(dict.fromkeys(named))[:_MOST_RUNS]:
            try:
                run = self.find.visible.get(principal, run_id)
            except NotFound:
                continue
            if not run.state.final:
                self.follow.hurry(run_id)
