"""Starts a run of a plan, as a document's instantiation makes it: `python -m tests.e2e.planned_run < plan.json`; prints its id."""

import os
import sys

import boto3

from cadence.application.frozen import Frozen

_LONGEST = 3_600


def main(plan: bytes) -> None:
    configuration = boto3.client("lambda").get_function_configuration(FunctionName="cadence-main-api")
    names = configuration["Environment"]["Variables"]
    os.environ.update({name: value for name, value in names.items() if name.startswith("CADENCE_")})
    from cadence.composition.api import services

    its = services()
    digest = its.documents.put(plan)
    run = its.request_run(Frozen("default", "default", "groups", digest, digest, _LONGEST), {"kind": "api"}, "test")
    print(run.run_id)


if __name__ == "__main__":
    main(sys.stdin.buffer.read())
