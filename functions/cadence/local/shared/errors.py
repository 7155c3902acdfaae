"""Errors of the local stack."""


class LocalStackError(Exception):
    """The stack cannot start or continue; the message states what happened, where, and what to do."""


class AlreadyRunning(LocalStackError):
    """Another supervisor holds this folder's stack."""
