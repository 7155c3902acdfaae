"""The files of a local stack."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
"""The project's own folder, which holds `infra/` and `runner_bootstrap/`."""

SAVED = "saved"
"""A file beside MiniStack's state, as old as the last save of everything (MiniStack writes one service after the
other).
"""


@dataclass(frozen=True)
class StackPaths:
    """The files of the stack of one folder, all below its `.cadence`."""

    home: Path

    @classmethod
    def of(cls, folder: Path) -> "StackPaths":
        return cls(folder.resolve() / ".cadence")

    @property
    def connection(self) -> Path:
        """What a client needs to reach the stack; exists only while it serves."""
        return self.home / "local.json"

    @property
    def record(self) -> Path:
        """The processes of the stack; left behind only by a stack that was killed."""
        return self.home / "stack.json"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def ports(self) -> Path:
        """The ports that were used last, so that addresses stay the same across starts."""
        return self.home / "ports.json"

    @property
    def tokens(self) -> Path:
        """The tokens of the administrator and the host, which are reused across starts."""
        return self.home / "tokens.json"

    @property
    def account_key(self) -> Path:
        """The root's access key of the AWS account that MiniStack simulates."""
        return self.home / "aws-credentials"

    @property
    def githost(self) -> Path:
        """The git host that `make run` sends its webhooks as."""
        return self.home / "githost.json"

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def objects(self) -> Path:
        return self.home / "objects"

    @property
    def temporary(self) -> Path:
        return self.home / "tmp"

    @property
    def host(self) -> Path:
        return self.home / "host"

    @property
    def workspaces(self) -> Path:
        """A link to the folder of the working directories of treatments; exists only while the stack runs."""
        return self.host / "work"

    def log(self, process: str) -> Path:
        return self.home / "logs" / f"{process}.log"

    def make(self) -> None:
        """Create the folders, readable by this user only since they hold tokens and logs.

        In a repository, `.cadence` also holds its pipelines, so git ignores the stack's files by name. A .gitignore
        that is there is left as it is.
        """
        folders = (self.state, self.objects, self.temporary, self.host, self.home / "logs")
        for folder in (self.home, *folders):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # With parts of files that are being replaced.
        files = (self.connection, self.record, self.ports, self.tokens, self.account_key, self.githost)
        names = ["/.gitignore", f"/{self.lock.name}"]
        names += [*(f"/{file.name}*" for file in files), *(f"/{folder.name}/" for folder in folders)]
        with suppress(FileExistsError), (self.home / ".gitignore").open("x", encoding="utf-8") as ignored:
            ignored.write("\n".join(["# Files of the local stack; pipelines are not ignored.", *names, ""]))


def nearest_stack(folder: Path) -> Path:
    """The folder, or the nearest one above it, that holds files of a stack; `folder` itself if there is none."""
    for candidate in (folder, *folder.parents):
        paths = StackPaths.of(candidate)
        if paths.record.exists() or paths.connection.exists() or paths.ports.exists():
            return candidate
    return folder
