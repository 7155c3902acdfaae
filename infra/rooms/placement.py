"""Room ``placement``: Lambdas that choose where treatments run; they need nothing beside their rows."""

from infra.rooms.room import Room


class PlacementRoom(Room):
    """The Lambdas ``place`` and ``sweep``."""

    name = "placement"
