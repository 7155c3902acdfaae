"""Room ``test_reports``: reports of tests."""

from infra.rooms.room import Room


class TestReportsRoom(Room):
    """The room needs nothing besides its Lambda."""

    __test__ = False  # its name is no test's

    name = "test_reports"
