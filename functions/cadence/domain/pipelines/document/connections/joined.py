"""Checks for files of a group's instances that a consumer would receive as one sequence of bytes."""

from collections.abc import Iterable, Iterator

from cadence.domain.pipelines.document.connections.types import Flow, Scalar
from cadence.domain.pipelines.document.draft import Draft
from cadence.domain.pipelines.document.findings import Code, DocumentProblem, Severity
from cadence.domain.pipelines.document.pipeline import Connection
from cadence.domain.pipelines.document.treatments.groups import is_group, paired

_HINT = (
    "Give {consumer} the axes of the matrix, so that each instance reads its own file; or declare a file of text as "
    "Block<string> and the input as Block<Vec<string>>."
)


def check_joined_files(draft: Draft, connections: Iterable[Connection]) -> Iterator[DocumentProblem]:
    """Yields a warning for each output that joins the files of a group's instances, such as two XML documents in one.

    The place is the output, which is reported once, however many consumers it has.
    """
    reported = set()
    for connection in connections:
        place = connection.source_treatment, connection.source_port
        source = draft.treatments.get(connection.source_treatment)
        target = draft.treatments.get(connection.target_treatment)
        if source is None or target is None or place in reported or not is_group(source.body):
            continue
        port = (source.outputs or {}).get(connection.source_port)
        if port is None or port.path is None or port.flow is not Flow.STREAM or port.type is not Scalar.BYTE:
            continue
        if paired(source.body, target.body):
            continue
        reported.add(place)
        yield source.problem(
            Code.FILES_JOINED,
            f"{target.name}.{connection.target_port} receives the files {port.name} of all instances of {source.words} "
            "one after another, as one file.",
            ("outputs", port.name),
            _HINT.format(consumer=target.name),
            severity=Severity.WARNING,
        )
