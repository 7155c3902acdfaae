"""The program that an engine starts as its container engine.

It passes the command to the agent and ends as the command does. A standalone file that needs the standard library only:
``python -IS exec_shim.py SOCKET ARGUMENT…``. The command gets this process's own standard streams. If this process is
killed, the agent notices and ends the command.
"""

import json
import os
import socket
import struct
import sys
import time

#: The engine stops reading a command's output as soon as the command ends, so this process ends a little later.
LINGER_SECONDS = 0.1
CANNOT_RUN = 126
_LENGTH = struct.Struct("!I")


def variables_of(arguments: "list[str]") -> "dict[str, str]":
    """Returns the values of variables that the arguments only name (``--env NAME``).

    The engine passes secrets like this, in the environment of its container engine, which is this process.
    """
    names = []
    for position, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option == "--env":
            names.append(value or "".join(arguments[position + 1 : position + 2]))
    return {name: os.environ[name] for name in names if name in os.environ}


def main(arguments: "list[str]") -> int:
    path, *command_arguments = arguments
    folder, name = os.path.split(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        try:
            # The address of a socket is limited to about 100 bytes, and the path of a workspace may be longer.
            agent.connect(f"/proc/self/fd/{os.open(folder, os.O_PATH)}/{name}")
            content = {"arguments": command_arguments, "environment": variables_of(command_arguments)}
            text = json.dumps(content).encode("utf-8", "surrogateescape")
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
    # Skips Python's own clean-up, which would only take time.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
