"""Wiring of what changes members and issues their tokens."""

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.adapters.dynamodb.access.people_store import DynamoPeopleStore
from cadence.adapters.dynamodb.access.token_policies import DynamoTokenPolicies
from cadence.application.access.manage_people import ManagePeople
from cadence.application.access.manage_roles import ManageRoles
from cadence.composition.shared.clock import now


def manage_people(access_table: str, access: DynamoAccessStore, people: DynamoPeopleStore) -> ManagePeople:
    return ManagePeople(
        people=people,
        roles=ManageRoles(policies=people, people=people, directory=access, clock=now),
        tokens=access,
        policies=DynamoTokenPolicies(access_table),
        clock=now,
    )
