"""Shows the progress of transfers on a terminal."""

from collections.abc import Iterable, Iterator

from cadence.cli.shared.output import err


def with_progress(pieces: Iterable[bytes], total: int | None, what: str) -> Iterator[bytes]:
    """Yields the pieces of a transfer of `total` bytes, with a bar on standard error if that is a terminal."""
    if not err.is_terminal:
        yield from pieces
        return
    from rich.progress import (  # slow to import, and needed on a terminal only
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for piece in pieces:
            yield piece
            progress.advance(task, len(piece))
