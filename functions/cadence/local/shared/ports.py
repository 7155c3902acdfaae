"""Finds free ports of the loopback interface."""

import itertools
import random
import socket

LOOPBACK = "127.0.0.1"
# Below what systems hand out to connections (from 32768 on): nothing gets such a port before its server starts.
_SERVERS = range(10_000, 32_768)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def first_free(*preferred: int) -> int:
    """The first preferred port that is free, else any free one; 0 is skipped. Raises OSError when there is none."""
    chance = random.SystemRandom()
    for port in itertools.chain(preferred, (chance.choice(_SERVERS) for _ in range(1_000))):
        if port and is_free(port):
            return port
    raise OSError(f"none of 1,000 ports between {_SERVERS.start} and {_SERVERS.stop} of {LOOPBACK} is free")
