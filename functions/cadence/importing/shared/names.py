"""Valid and unique names, as close as possible to those of the source."""

import re
from collections.abc import Iterator

_LONGEST = 63
_LONGEST_TITLE = 90
_MOST_READ = 1000
_EXPRESSION = re.compile(r"\$\{\{ ?(.*?) ?\}\}")


class UniqueNames:
    """Gives each text of the source a unique name, and the same text the same name.

    `separator` stands for what cannot be in a name: `-` between words of a treatment's name, `_` in ports and
    parameters.
    """

    def __init__(self, separator: str = "-", prefix: str = "t") -> None:
        self._separator = separator
        self._prefix = prefix
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        if text not in self._given:
            self._given[text] = self.fresh(text)
        return self._given[text]

    def fresh(self, text: str) -> str:
        """A new name, even if the text has one already."""
        wanted = slug(text, self._separator, self._prefix)
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            ending = f"{self._separator}{count}"
            name = wanted[: _LONGEST - len(ending)] + ending
        self._taken.add(name)
        return name

    def __iter__(self) -> Iterator[str]:
        """The texts that have a name."""
        return iter(self._given)


class StepTitles:
    """Names of steps: on one line, without expressions, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def fresh(self, title: str) -> str:
        """A new name close to the title.

        >>> titles = StepTitles()
        >>> titles.fresh("Test  ${{ matrix.go }}"), titles.fresh("Test matrix.go")
        ('Test matrix.go', 'Test matrix.go (2)')
        """
        words = " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())
        words = _EXPRESSION.sub(r"\1", words[:_MOST_READ]).replace("${{", "$ {{")
        name = shortened = words[:_LONGEST_TITLE].strip() or "step"
        number = 1
        while name in self._taken:
            number += 1
            name = f"{shortened} ({number})"
        self._taken.add(name)
        return name


def slug(text: str, separator: str = "-", prefix: str = "t") -> str:
    """Small letters, digits and separators, beginning with a letter.

    >>> slug("Build & Test (3.12)"), slug("2nd file.txt", "_", "f")
    ('build-test-3-12', 'f_2nd_file_txt')
    """
    kept = "a-z0-9_-" if separator == "-" else "a-z0-9_"
    name = re.sub(f"[^{kept}]+", separator, text.lower())
    name = re.sub(f"{re.escape(separator)}{{2,}}", separator, name).strip("-_")
    if not name[:1].isalpha():
        name = f"{prefix}{separator}{name}" if name else prefix
    return name[:_LONGEST].rstrip("-_")


def variable(text: str) -> str:
    """A shell variable's name.

    >>> variable("github.head-ref")
    'GITHUB_HEAD_REF'
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()[:_LONGEST]
    return name if name[:1].isalpha() else f"V_{name}"
