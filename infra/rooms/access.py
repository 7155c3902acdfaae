"""Room ``access``: the Lambda that signs people in."""

from infra.rooms.room import Room


class AccessRoom(Room):
    """People sign in through a Lambda of their own, since it calls identity providers."""

    name = "access"
