"""The system call ``openat2`` of Linux 5.6: the kernel itself keeps a path beneath a directory."""

from __future__ import annotations

import ctypes
import errno
import os
import sys

#: The call has the same number on every architecture.
_NUMBER = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_BENEATH = 0x02, 0x08
#: The kernel lacks the call or a filter refuses it, the path leads out or is too long, or a rename was under way.
_UNDECIDED = frozenset({errno.ENOSYS, errno.EPERM, errno.E2BIG, errno.EXDEV, errno.EAGAIN, errno.ENAMETOOLONG})


class _OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def open_beneath(directory: int, path: str, flags: int) -> int | None:
    """Opens ``path`` if it is beneath the directory, also after every link in it was followed.

    Returns None if that cannot be decided here, so that the caller has to walk. Raises OSError.
    """
    if not sys.platform.startswith("linux"):
        return None
    how = _OpenHow(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    arguments = (directory, os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
    descriptor = int(_libc().syscall(_NUMBER, *arguments))
    if descriptor >= 0:
        return descriptor
    number = ctypes.get_errno()
    if number in _UNDECIDED:
        return None
    raise OSError(number, os.strerror(number), path)


_loaded: list[ctypes.CDLL] = []


def _libc() -> ctypes.CDLL:
    if not _loaded:
        _loaded.append(ctypes.CDLL(None, use_errno=True))
    return _loaded[0]
