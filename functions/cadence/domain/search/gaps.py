"""Decides whether the lines missing at a gap of a log could match a query, so that search results can say so."""

from collections.abc import Mapping
from typing import Any

from cadence.domain.search.matching import LineOwner
from cadence.domain.search.pruning import Facts, may_match
from cadence.domain.search.query import FieldName, Query


def may_hide(query: Query, owner: LineOwner, gap: Mapping[str, Any]) -> bool:
    """Returns whether the lines missing at `gap` (a line with `gap`, see `log.gap_line`) could have matched.

    Their treatment and runner are known, and about when they were written; their texts, streams and levels are not.
    """
    facts: Facts = {
        FieldName.ORGANIZATION: (owner.organization,),
        FieldName.PROJECT: (owner.project,),
        FieldName.PIPELINE: (owner.pipeline,),
        FieldName.RUN: (owner.run_id,),
        FieldName.TREATMENT: (gap["treatment"],),
        FieldName.RUNNER: (gap["runner"],),
        FieldName.POOL: (gap.get("pool") or "",),
    }
    return may_match(query, facts, gap["time"], gap["time"])
