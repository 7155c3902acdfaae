"""Paths of artifacts and caches in other systems, as paths within the working directory."""

import re

_GLOB = re.compile(r"[*?\[]")
_ALL_BELOW = re.compile(r"(^|/)\*\*(/\*)?$")


def path_of_port(text: str) -> tuple[str, str]:
    """The path of an output, and the path where an input restores it.

    >>> path_of_port("./dist/**"), path_of_port("target/*.jar"), path_of_port("report.xml"), path_of_port("out")
    (('dist/', 'dist/'), ('target/*.jar', 'target/'), ('report.xml', 'report.xml'), ('out/', 'out/'))
    """
    path = _ALL_BELOW.sub(r"\1", re.sub(r"^(\./)+", "", text)) or "./"
    if not _GLOB.search(path) and "." not in path.rstrip("/").rpartition("/")[2]:
        path = path.rstrip("/") + "/"
    found = re.match(r"(?:[^*?\[]*/)?", path)
    return path, path if not _GLOB.search(path) else (found[0] if found else "") or "./"


def within(path: str) -> str:
    """A path as one within the working directory.

    >>> within("./dist"), within("/var/cache"), within("./")
    ('dist', 'var/cache', '.')
    """
    return re.sub(r"^(\.?/)+", "", path) or "."


def name_of_port(path: str) -> str:
    return re.sub(r"[*?]+", "", path).strip("/.") or "files"
