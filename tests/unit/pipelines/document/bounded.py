"""Checks hostile documents, each in a process of its own that may use little processor time and memory.

A program: it reads names from its input, a line each, and answers with a line of JSON each. Its children are forks of
it, so that the time is all theirs: no start of Python and no imports are in it.
"""

import json
import os
import resource
import signal
import sys

from cadence.domain.pipelines.document import validate
from tests.unit.pipelines.document.hostile import HOSTILE
from tests.unit.pipelines.document.hostile_parts import PARTS

DOCUMENTS = HOSTILE | PARTS
SECONDS = 6.0
"""Of processor time, once the document is made. A second is the promise, the others for machines that are slower and
cores that are shared: none takes more than 0.75 s alone, and what grows with the square of its input takes far more."""
BYTES = 1_000_000_000
"""Of address space: the API has 1 GB, too."""


def check(name: str) -> str:
    """What the child answers, or the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        document = DOCUMENTS[name][0]()
        # Its signal is not handled, and so ends the child.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        checked = validate(document)
        findings = [(finding.code, finding.line, finding.column) for finding in checked.findings]
        os.write(writing, json.dumps({"valid": checked.pipeline is not None, "findings": findings}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return answer if status == 0 else json.dumps({"ended_by": signal.Signals(-status).name if status < 0 else status})


if __name__ == "__main__":
    # What is loaded at the first expression belongs to the start as well.
    validate("cadence: 1\nname: sample\ntreatments: {a: {run: x, when: '${{ 1 == 1 }}'}}")
    for line in sys.stdin:
        print(check(line.rstrip("\n")), flush=True)
