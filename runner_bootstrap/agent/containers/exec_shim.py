"""What an engine calls as its container engine: it hands the command to the agent and ends as the command does.

A file of its own, run by itself with nothing but the standard library: ``python -IS shim.py SOCKET ARGUMENT…``. The command
gets this process's own standard streams. Should this process be killed, the agent notices and takes the command down.
"""

import json
import os
import socket
import struct
import sys
import time

#: The engine stops reading what a command printed as soon as it sees it end: so what was printed is read before.
LINGER_SECONDS = 0.1
CANNOT_RUN = 126
_LENGTH = struct.Struct("!I")


def main(arguments: "list[str]") -> int:
    path, *asked = arguments
    folder, name = os.path.split(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        try:
            # The address of a socket is short, and a workspace may lie deep.
            agent.connect(f"/proc/self/fd/{os.open(folder, os.O_PATH)}/{name}")
            text = json.dumps(asked).encode("utf-8", "surrogateescape")
            socket.send_fds(agent, [_LENGTH.pack(len(text))], [0, 1, 2])
            agent.sendall(text)
            answer = b""
            while True:
                piece = agent.recv(4096)
                if not piece:
                    break
                answer += piece
            done = json.loads(answer)
        except (OSError, ValueError) as error:
            print(f"cadence: the command cannot be run: {error}", file=sys.stderr)
            return CANNOT_RUN
    if done.get("problem"):
        print(f"cadence: {done['problem']}", file=sys.stderr)
    time.sleep(LINGER_SECONDS)
    return int(done["exit_code"])


if __name__ == "__main__":
    # Without Python's own clean-up, which has nothing to do here.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
