"""Gives a command a network namespace with slirp4netns as its only way out, then becomes the command.

A standalone program: ``python -IS -c SOURCE SLIRP4NETNS COMMAND…``. The namespace has no route to link-local addresses
and to the metadata services of clouds. The command must not keep the capabilities that it starts with.
"""

import ctypes
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
CANNOT_START = 126
#: Metadata of clouds: link-local (AWS, Azure, Google, OpenStack, Scaleway), Azure's agent, Alibaba, Oracle.
UNREACHABLE = (("169.254.0.0", 16), ("168.63.129.16", 32), ("100.100.100.200", 32), ("192.0.0.192", 32))
RTM_NEWROUTE, RTA_DST = 24, 1
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE = 0x01, 0x04, 0x400
RTN_UNREACHABLE, RT_TABLE_MAIN, RTPROT_STATIC = 7, 254, 4


def unshare() -> None:
    """Enters a network namespace of its own, without root also a user namespace of the same ids. Raises OSError."""
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | (CLONE_NEWUSER if user else 0)
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if user:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def start_slirp(program: str, network_of: int, go: int, ready: int, ended: int, other_ends: "tuple[int, ...]") -> None:
    """Starts slirp4netns for the namespace of a process, once that has entered it.

    It ends when the other end of the pipe ``ended`` is closed, and is no child of the command. ``other_ends`` of pipes
    are for the command only.
    """
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return
    if os.fork():
        os._exit(0)
    try:
        for end in other_ends:
            os.close(end)
        if os.read(go, 1):
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            for descriptor in (ready, ended):
                os.set_inheritable(descriptor, True)
            argv = [program, "--configure", "--mtu=65520", "--disable-host-loopback"]
            argv += [f"--ready-fd={ready}", f"--exit-fd={ended}", str(network_of), "tap0"]
            os.execv(program, argv)
    finally:
        os._exit(1)


def require_ready(ready: int, program: str) -> None:
    """Waits until the network is configured. Raises OSError."""
    if not os.read(ready, 1):
        raise OSError(0, f"{program} ended at once")


def refuse_route(address: str, bits: int) -> None:
    """Makes a range of addresses unreachable. Raises OSError."""
    route = struct.pack("=BBBBBBBBI", socket.AF_INET, bits, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNREACHABLE, 0)
    attribute = struct.pack("=HH", 8, RTA_DST) + socket.inet_aton(address)
    length = 16 + len(route) + len(attribute)
    head = struct.pack("=IHHII", length, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.bind((0, 0))
        kernel.send(head + route + attribute)
        (number,) = struct.unpack_from("=i", kernel.recv(4096), 16)
    if number:
        raise OSError(-number, os.strerror(-number))


def main(arguments: "list[str]") -> int:
    """Becomes the command; returns only if that is not possible."""
    program, *command = arguments
    go, went = os.pipe()
    ready, is_ready = os.pipe()
    ended, held_by_command = os.pipe()
    try:
        start_slirp(program, os.getpid(), go, is_ready, ended, (went, ready, held_by_command))
        os.close(is_ready)
        os.close(ended)
        # Open in the command and all that it starts, for as long as one of them lives.
        os.set_inheritable(held_by_command, True)
        unshare()
        os.write(went, b"1")
        require_ready(ready, program)
        for address, bits in UNREACHABLE:
            refuse_route(address, bits)
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cadence: the private network cannot be set up: {error.strerror}", file=sys.stderr)
    return CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
