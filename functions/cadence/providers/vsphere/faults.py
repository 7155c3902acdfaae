"""Turns a vCenter's faults into decisions."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pyVmomi import vim, vmodl

from cadence.domain.shared.errors import (
    CadenceError,
    CapacityExhausted,
    Conflict,
    NotReady,
    ProviderRejected,
    Transient,
)

_NO_ROOM = (
    vim.fault.InsufficientResourcesFault,
    vim.fault.InsufficientStorageSpace,
    vim.fault.NoCompatibleHost,
    vim.fault.NoDiskSpace,
    vim.fault.NoActiveHostInCluster,
)
_BUSY = (vim.fault.TaskInProgress, vim.fault.ResourceInUse, vim.fault.InvalidState, vim.fault.ConcurrentAccess)
_PASSING = (
    vim.fault.Timedout,
    vmodl.fault.HostCommunication,
    vmodl.fault.RequestCanceled,
    vmodl.fault.SystemError,
)
_TOO_MANY = 429
_OWN_FAULT = 500


def meaning(fault: BaseException) -> CadenceError:
    """Returns the decision that a fault of the API, or of the connection to it, leads to.

    Its text is the vCenter's own.
    """
    text = f"vCenter: {_words(fault)}"
    if isinstance(fault, _NO_ROOM):
        return CapacityExhausted(text)
    if isinstance(fault, vim.fault.DuplicateName):
        return Conflict(text)
    if isinstance(fault, _BUSY):
        return NotReady(text)
    if isinstance(fault, _PASSING):
        return Transient(text)
    if isinstance(fault, ssl.SSLCertVerificationError | ssl.CertificateError):
        return ProviderRejected(f"{text}; name its certificate's thumbprint or authority in the pool's settings")
    if isinstance(fault, http.client.HTTPException):
        status = _status(fault)
        passing = status is None or status == _TOO_MANY or status >= _OWN_FAULT
        return Transient(text, retry_after=5.0) if passing else ProviderRejected(text)
    if isinstance(fault, OSError):
        return Transient(text)
    return ProviderRejected(text)


@contextmanager
def understood() -> Iterator[None]:
    """Raises the meaning of a fault. A missing object is left to the caller, who knows what it looked for."""
    try:
        yield
    except vmodl.fault.ManagedObjectNotFound:
        raise
    except (vmodl.MethodFault, http.client.HTTPException, OSError) as fault:
        raise meaning(fault) from None


def _words(fault: BaseException) -> str:
    kind = type(fault).__name__.rsplit(".", 1)[-1]
    if isinstance(fault, vmodl.MethodFault):
        message = fault.msg or "; ".join(part.message for part in fault.faultMessage or () if part.message)
        return f"{message} ({kind})" if message else kind
    return f"{kind}: {fault}"


def _status(fault: http.client.HTTPException) -> int | None:
    """Returns the status, which pyVmomi puts with its reason into the error's text."""
    first, _, _ = str(fault).partition(" ")
    return int(first) if first.isdecimal() else None
