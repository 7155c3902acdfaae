"""Room ``repositories``: connected repositories, and the reports to their code hosts."""

from infra.rooms.room import Room


class RepositoriesRoom(Room):
    """The room needs nothing besides its Lambda."""

    name = "repositories"
