"""What a job of GitHub calls at localhost is its service in Cadence."""

from typing import Any

import yaml

from cadence.importing import Imported, convert

WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    %s
    services:
      redis: {image: redis, ports: ["6379:6379", "7000"]}
      %s
    env:
      REDIS_URL: redis://localhost:6379/1
      OTHER: http://localhost:8080
    steps:
      - run: make && echo ${{ env.REDIS_URL }}
        env: {HOST: 127.0.0.1, REDIS_PORT: 6379, SIZE: 6379, SEVEN: "${{ job.services.redis.ports['7000'] }}"}
"""


def imported(container: str = "timeout-minutes: 5", other: str = "") -> tuple[dict[str, Any], Imported]:
    result = convert(WORKFLOW % (container, other))
    assert result.valid, (result.document, result.findings)
    return yaml.safe_load(result.document)["treatments"]["test"], result


def test_variables_have_the_address_of_the_service() -> None:
    test, result = imported()

    assert test["services"]["redis"]["ports"] == [6379, 7000]
    assert test["env"] == {"OTHER": "http://localhost:8080", "SIZE": "6379"}
    assert sorted(test["run"].splitlines()) == [
        'export HOST="$CADENCE_SERVICE_REDIS_HOST"',
        'export REDIS_PORT="$CADENCE_SERVICE_REDIS_PORT_6379"',
        'export REDIS_URL="redis://$CADENCE_SERVICE_REDIS_HOST:$CADENCE_SERVICE_REDIS_PORT_6379/1"',
        'export SEVEN="${CADENCE_SERVICE_REDIS_PORT_7000}"',
        "make && echo ${REDIS_URL}",
    ]
    (note,) = [note for note in result.notes if note.what == "jobs.test: services.redis"]
    assert "$CADENCE_SERVICE_REDIS_HOST:$CADENCE_SERVICE_REDIS_PORT_6379, " in note.todo


def test_a_host_alone_is_left_if_it_may_be_that_of_several_services() -> None:
    test, _ = imported(other='my-db: {image: postgres, ports: ["5433:5432"]}')
    assert test["env"]["HOST"] == "127.0.0.1"


def test_a_container_reaches_services_by_name_as_at_github() -> None:
    test, result = imported("container: python:3.13")
    assert test["env"]["REDIS_URL"] == "redis://localhost:6379/1"
    assert not [note for note in result.notes if note.what == "jobs.test: services.redis"]
