"""Carries groups of identity providers and directories over to the teams that follow them."""

from collections.abc import Collection, Set
from dataclasses import replace

from cadence.application.access.people_ports import PeopleStore
from cadence.domain.access.people import Member, Team


def follows(team: Team, source: str) -> bool:
    """Whether a team follows a group of `source`: one that names no source follows all of them."""
    return team.group is not None and team.group_source in (None, source)


def carry_over(
    people: PeopleStore, member: Member, groups: Collection[str], source: str, teams: Collection[Team] | None = None
) -> Member:
    """Has a member belong to the teams that follow one of its groups, and to no other team that follows `source`.

    `teams` are those of the organization, read here if they are not given. Safe to repeat. Raises NotFound if the
    member was removed meanwhile.
    """
    belongs_to = set(member.teams)
    for team in people.list_teams(member.organization) if teams is None else teams:
        belongs = team.group in groups
        if not follows(team, source) or belongs == (team.name in belongs_to):
            continue
        people.set_membership(member.organization, member.member_id, team.name, belongs=belongs)
        (belongs_to.add if belongs else belongs_to.discard)(team.name)
    return replace(member, teams=frozenset(belongs_to))


def changed_memberships(
    members: Collection[Member], team: Team, belonging: Set[str], linked: Set[str]
) -> list[tuple[str, bool]]:
    """Returns `(member_id, belongs)` for each member whose membership of a team has to change.

    `belonging` are the ids of those who should belong to it. Of a team that names no source, only memberships of
    `linked` members change.
    """
    return [
        (member.member_id, member.member_id in belonging)
        for member in members
        if (team.name in member.teams) != (member.member_id in belonging)
        and (team.group_source is not None or member.member_id in linked)
    ]
