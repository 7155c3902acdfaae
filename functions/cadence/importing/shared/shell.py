"""Writes parts of scripts, and finds what scripts use of the system that they come from."""

import re
import textwrap
from collections.abc import Mapping

from cadence.importing.shared.names import variable

_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)(?![A-Za-z0-9_]|:\?)")
_NEEDED = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?!\w|:?[?=+-])|([A-Za-z_]\w*))")
_GIT = re.compile(r"^(?:[^#\n]*[;&|(\s])?git [a-z-]", re.MULTILINE)
_GIT_COMMAND = re.compile(r"(?<![\w./-])git ([a-z-]+)")
_OF_FILES = frozenset({"add", "diff", "ls-files", "status"})
_NAMES_COMMITS = re.compile(r"git diff [^\n;&|]*(?:\.\.|HEAD[~^]|origin/|\$)")
_BASH = re.compile(r"\[\[|<<<|\bdeclare\b|\bshopt\b|=\(|set -o pipefail|<\(")
NOT_CARRIED_OVER = "was not carried over"
NOTHING_CARRIED_OVER = "nothing that it runs was carried over"
"""In the warning of a treatment that runs nothing of its job, so that its success does not mislead."""
HOME_WITHIN = 'export HOME="$PWD"  # so that caches of the home directory are within the working directory'


def quoted(text: str) -> str:
    """A text in double quotes, in which the shell still expands variables.

    >>> quoted('say "hi" to $NAME')
    '"say \\\\"hi\\\\" to $NAME"'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'


def checkout(url: str, folder: str, commit: str) -> list[str]:
    """Lines that clone a repository into a folder that may hold files already, such as inputs.

    Arguments are shell words.
    """
    git = f"git -C {folder}"
    return [
        f"git init --quiet {folder}",
        f"{git} remote add origin {url}",
        f"{git} fetch --quiet --tags origin HEAD '+refs/heads/*:refs/remotes/origin/*'",
        f"{git} checkout --quiet {commit}",
    ]


EVENT_URL = '"${CADENCE_EVENT_REPOSITORY_URL:-${CADENCE_PARAM_repository_url:?Give this parameter a git repository}}"'
EVENT_COMMIT = '"${CADENCE_EVENT_COMMIT:-$CADENCE_PARAM_commit}"'
REPOSITORY_PARAMETERS = {
    "repository_url": {
        "type": "string",
        "default": "",
        "description": "The git repository, for runs that no push starts.",
    },
    "commit": {
        "type": "string",
        "default": "FETCH_HEAD",
        "description": "What to check out, for runs that no push starts.",
    },
}


def uses_git(script: str) -> bool:
    """Whether a script calls git, and so may need the repository rather than its files."""
    return _GIT.search(script) is not None


def compares_files(script: str) -> bool:
    """Whether a script asks git only which files changed since the checkout, which needs no history."""
    commands = set(_GIT_COMMAND.findall(script))
    return uses_git(script) and commands <= _OF_FILES and not _NAMES_COMMITS.search(script)


REPOSITORY_OF_FILES = [
    "git init --quiet && git add --all",
    "git -c user.name=cadence -c user.email=cadence@localhost commit --quiet --allow-empty --message 'The files of the commit'",
]
"""Lines that make a repository of one commit of the files, for scripts that ask which of them they changed."""


def needs_bash(script: str) -> bool:
    """Whether a script uses what only bash reads."""
    return _BASH.search(script) is not None


def here_document(program: str, text: str) -> list[str]:
    """Lines that run a program with the text as its standard input, unexpanded."""
    end = "END_OF_STEP"
    while end in text:
        end += "_"
    return [f"{program} <<'{end}'", text.rstrip("\n"), end]


def used_variables(script: str) -> set[str]:
    return set(_VARIABLE.findall(script))


def needed_variables(script: str) -> set[str]:
    """The variables that a script uses without a default of its own."""
    return {braced or plain for braced, plain in _NEEDED.findall(script)}


def put_in(script: str, start: int, name: str) -> str:
    """How a variable is written at `start` of a script: out of the single quotes if it would stand in them."""
    line = script[script.rfind("\n", 0, start) + 1 : start]
    return f"'\"${{{name}}}\"'" if line.count("'") % 2 else f"${{{name}}}"


def missing(what: str) -> str:
    """Lines in place of something that was not converted: the script stops there with a message."""
    words = re.sub(r"[^A-Za-z0-9_.(), -]", "", what)[:80]
    return f"${{{variable(what)[:40]}:?{words} {NOT_CARRIED_OVER}}}"


def stop_without(name: str) -> str:
    """A line that ends the script with a message if a variable that was not converted has no value."""
    return f': "${{{name}:?{name} {NOT_CARRIED_OVER}}}"'


def dedented(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def exports(words: Mapping[str, str]) -> list[str]:
    """Lines that set variables to shell words, which are quoted already."""
    return [f"export {name}={word}" for name, word in words.items()]
