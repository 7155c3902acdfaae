"""The client of Cadence's API."""

from cadence.cli.client.access import AccessRequests
from cadence.cli.client.alerts import AlertRequests
from cadence.cli.client.dead_letters import DeadLetterRequests
from cadence.cli.client.exports import ExportRequests
from cadence.cli.client.insight import InsightRequests
from cadence.cli.client.limits import LimitRequests
from cadence.cli.client.logs import LogRequests
from cadence.cli.client.people import PeopleRequests
from cadence.cli.client.pipelines import PipelineRequests
from cadence.cli.client.placement import PlacementRequests
from cadence.cli.client.provenance import ProvenanceRequests
from cadence.cli.client.replay import ReplayRequests
from cadence.cli.client.repositories import RepositoryRequests
from cadence.cli.client.runners import RunnerRequests
from cadence.cli.client.search import SearchRequests
from cadence.cli.client.test_reports import CaseRequests
from cadence.cli.client.triggers import TriggerRequests
from cadence.cli.client.values import ValueRequests


class Client(
    AccessRequests,
    AlertRequests,
    CaseRequests,
    DeadLetterRequests,
    ExportRequests,
    InsightRequests,
    LimitRequests,
    LogRequests,
    PeopleRequests,
    PipelineRequests,
    PlacementRequests,
    ProvenanceRequests,
    ReplayRequests,
    RepositoryRequests,
    RunnerRequests,
    SearchRequests,
    TriggerRequests,
    ValueRequests,
):
    """Sends requests to the API; each room of the API has a class of its own, which this one joins.

    Methods return the API's answer as plain JSON values (see docs/openapi.json). They raise ApiError if the API
    refuses, and
    Unreachable if it does not answer. Requests that start a run carry a key, so that a repetition starts no second one.
    """
