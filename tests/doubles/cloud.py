"""What all doubles of clouds share: they keep state, hold every request against the description, and can be
in trouble.
"""

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.answering import Asked, Reply, answering

Route = Callable[..., Reply]


@dataclass
class Trouble:
    """What goes wrong from now on. `after` lets so many calls pass before; `once` ends it after one."""

    reply: Reply | None = None
    on: Callable[[Asked], bool] = lambda _: True
    done_first: bool = False  # it does what it was asked, and the answer is lost
    held: threading.Event | None = None
    once: bool = False


@dataclass
class Cloud:
    """Base of the doubles. `routes` are (method, pattern of the path) → what answers."""

    asked: list[Asked] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what was not as described, seen at the end of each test
    trouble: Trouble | None = None
    routes: Mapping[tuple[str, str], Route] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        trouble = self.trouble
        if trouble is None or not trouble.on(asked):
            return self.serve(asked)
        if trouble.once:
            self.trouble = None
        if trouble.done_first:
            self.serve(asked)
        if trouble.held:
            trouble.held.wait(10)
        return trouble.reply or self.serve(asked)

    def serve(self, asked: Asked) -> Reply:
        denied = self.denies(asked)
        if denied:
            return denied
        for (method, pattern), route in self.routes.items():
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                try:
                    return route(asked, **found.groupdict())
                except AssertionError as error:
                    self.wrong.append(f"{asked.method} {asked.path}: {error}")
                    return Reply(500, {"message": "the double was asked what the API does not describe"})
        self.wrong.append(f"{asked.method} {asked.path} is no call of this API")
        return self.unknown(asked)

    def denies(self, asked: Asked) -> Reply | None:
        """The answer to one whose credentials are wrong."""
        raise NotImplementedError

    def unknown(self, asked: Asked) -> Reply:
        return Reply(404, {"message": f"no such path: {asked.path}"})

    @contextmanager
    def serving(self) -> Iterator[str]:
        with answering(self.answer) as url:
            yield url
        assert not self.wrong, self.wrong

    def calls(self, method: str, pattern: str = ".*") -> list[Asked]:
        return [one for one in self.asked if one.method == method and re.search(pattern, one.path)]


def written(value: Any) -> Any:
    """A copy of what a double keeps, as an answer."""
    if isinstance(value, Mapping):
        return {name: written(one) for name, one in value.items()}
    return [written(one) for one in value] if isinstance(value, list) else value
