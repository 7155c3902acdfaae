"""What can go wrong with the local stack, each with a way forward in its message."""


class LocalStackError(Exception):
    """The stack cannot start or go on; the message says what, where, and what to do."""


class AlreadyRunning(LocalStackError):
    """Another supervisor holds this folder's stack."""
