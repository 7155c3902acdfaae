"""The rooms of the main stack: one construct for each capability that has Lambdas."""

from infra.rooms.access import AccessRoom
from infra.rooms.alerts import AlertsRoom
from infra.rooms.api import ApiRoom
from infra.rooms.deletion import DeletionRoom
from infra.rooms.exports import ExportsRoom
from infra.rooms.logs import LogsRoom
from infra.rooms.melodium import MelodiumRoom
from infra.rooms.placement import PlacementRoom
from infra.rooms.providers import ProvidersRoom
from infra.rooms.repositories import RepositoriesRoom
from infra.rooms.room import Room
from infra.rooms.runners import RunnersRoom
from infra.rooms.runs import RunsRoom
from infra.rooms.scheduling import SchedulingRoom
from infra.rooms.search import SearchRoom
from infra.rooms.test_reports import TestReportsRoom
from infra.rooms.triggers import TriggersRoom

ROOMS: tuple[type[Room], ...] = (
    ApiRoom,
    AccessRoom,
    TriggersRoom,
    RepositoriesRoom,
    RunsRoom,
    SchedulingRoom,
    PlacementRoom,
    ProvidersRoom,
    RunnersRoom,
    MelodiumRoom,
    LogsRoom,
    SearchRoom,
    ExportsRoom,
    TestReportsRoom,
    AlertsRoom,
    DeletionRoom,
)
