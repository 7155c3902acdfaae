"""A process that has imported what the Lambdas import, and forks for each of their processes. Runs by its path alone.

Its arguments are the folder of the Lambdas' code and the descriptor of a socket. A request on it is a JSON object with
`script`, `environment` and `folder`, with descriptors for standard input, output and error; the answer is the number
of the process. It ends when the socket is closed. Nothing here starts a thread, which would not survive a fork.
"""

import ast
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import sys
from pathlib import Path
from typing import Any

CLIENTS = "cadence.adapters.aws.clients"
SERVICES = ("dynamodb", "kinesis", "lambda", "s3", "sqs", "stepfunctions")
"""Those that many Lambdas have a client for."""

LARGEST_REQUEST = 1024 * 1024
LONGEST_COMM = 15
"""The most bytes of a process's name that Linux keeps."""


def main() -> None:
    code, descriptor = sys.argv[1:]
    sys.path.insert(0, code)
    for module in imported_by_handlers(Path(code)):
        importlib.import_module(module)
    if CLIENTS in sys.modules:
        sys.modules[CLIENTS].read_descriptions(*SERVICES)
    gc.collect()
    gc.freeze()  # a collection in a fork leaves alone, and so shared, what is here already
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks leave nothing behind
    with socket.socket(fileno=int(descriptor)) as requests:
        while True:
            content, descriptors, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 3)
            if not content:
                return
            process = os.fork()
            if process == 0:
                requests.close()
                run(json.loads(content), descriptors)
            for each in descriptors:
                os.close(each)
            requests.send(str(process).encode())


def imported_by_handlers(code: Path) -> list[str]:
    """Returns the modules that the handlers in the folder import, without importing a handler: that makes clients.

    Those of providers are left out: each has a large library of its own, and most stacks use none of them.
    """
    names: dict[str, None] = {}
    for handler in sorted(code.glob("*/handler.py")):
        if handler.parent.name.startswith("provider_"):
            continue
        for node in ast.parse(handler.read_bytes()).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                names[node.module] = None
                for alias in node.names:
                    if (code / node.module.replace(".", "/") / f"{alias.name}.py").exists():
                        names[f"{node.module}.{alias.name}"] = None
            elif isinstance(node, ast.Import):
                names |= dict.fromkeys(alias.name for alias in node.names)
    return list(names)


def run(request: dict[str, Any], descriptors: list[int]) -> None:
    """Runs a script in this process as if it had just been started, and ends the process."""
    status = 1
    try:
        for standard, each in enumerate(descriptors):
            os.dup2(each, standard)
            os.close(each)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        # What `ps -o comm` shows: the end of the name, since the beginning is the same for all.
        name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "lambda")
        Path("/proc/self/comm").write_text(name[-LONGEST_COMM:], encoding="utf-8")
        random.seed()
        sys.argv = [request["script"]]
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except BaseException:  # noqa: BLE001 (it is the whole process's end)
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
