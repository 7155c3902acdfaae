"""Reads files of one commit for the pipelines of a repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cadence.application.shared.git_ports import FolderReader, GitCredentials
from cadence.domain.pipelines.document import Unavailable
from cadence.domain.shared.errors import Forbidden, InvalidRequest, NotFound, TooLarge


@dataclass(frozen=True, kw_only=True)
class CommitFiles:
    """The files of a commit. Each is read at most once, so that pipelines that use the same library share it."""

    folders: FolderReader
    url: str
    commit: str
    credentials: GitCredentials | None
    _known: dict[str, bytes | Unavailable] = field(default_factory=dict, init=False, repr=False)

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Unavailable]:
        """Implements ReadOwnFiles."""
        new = [path for path in paths if path not in self._known]
        if new:
            self._known.update(self._read(new))
        return {path: self._known[path] for path in paths}

    def _read(self, paths: Sequence[str]) -> Mapping[str, bytes | Unavailable]:
        try:
            found = self.folders.read_files(self.url, self.commit, paths, self.credentials)
        except (NotFound, InvalidRequest, TooLarge, Forbidden) as error:
            return dict.fromkeys(paths, _unavailable(error))
        return {path: _unavailable(one) if isinstance(one, NotFound) else one for path, one in found.items()}


def _unavailable(error: NotFound | InvalidRequest | TooLarge | Forbidden) -> Unavailable:
    return Unavailable(error.message.rstrip("."))
