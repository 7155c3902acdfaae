"""Makes another organization, as only the operator of an installation can, and prints a token that may do everything in
it.

A program of its own, since the adapters find their cloud through the environment: `python -m tests.e2e.organization
NAME`.
"""

import sys
from datetime import UTC, datetime

import boto3

from cadence.adapters.dynamodb.access.access_store import DynamoAccessStore
from cadence.application.access.authenticate import issue_token
from cadence.composition.shared.settings import ApiSettings, load
from cadence.domain.access.access import ALL_PERMISSIONS, ALL_PROJECTS, Organization, Project


def main(name: str) -> None:
    configuration = boto3.client("lambda").get_function_configuration(FunctionName="cadence-main-api")
    store = DynamoAccessStore(load(ApiSettings, configuration["Environment"]["Variables"]).access_table)
    now = datetime.now(UTC)
    store.add_organization(Organization(name, now))
    store.add_project(Project(name, "default", now))
    token, text = issue_token(name, ALL_PROJECTS, "admin", frozenset({ALL_PERMISSIONS}), "test", now)
    store.add_token(token)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1])
