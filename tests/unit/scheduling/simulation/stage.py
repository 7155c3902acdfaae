"""Actors that take turns: one store or machine call at a time, in an order drawn at random, so that any interleaving is
possible.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.fakes.services import ManualClock


class Crashed(BaseException):
    """The process that ran this ended here. Not an Exception: no code under test may survive it."""


class Abandoned(BaseException):
    """The test has ended: leave the thread."""


class Stuck(AssertionError):
    """Nobody can go on, and no time will change that."""


class Actor:
    def __init__(self, stage: "Stage", name: str, play: Callable[["Actor"], None]) -> None:
        self.name = name
        self.wake: Callable[[], bool] | datetime | None = None
        self.done = False
        self._stage = stage
        self._play = play
        self._turn = threading.Semaphore(0)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def pause(self, wake: Callable[[], bool] | datetime | None = None) -> None:
        """Lets others go on; comes back when drawn again, and not before `wake` (a condition, or a time)."""
        self.wake = wake
        self._stage.back.release()
        self._turn.acquire()
        if self._stage.closed:
            raise Abandoned

    def ready(self, now: datetime) -> bool:
        if self.wake is None:
            return True
        return now >= self.wake if isinstance(self.wake, datetime) else self.wake()

    def step(self) -> None:
        self._turn.release()
        self._stage.back.acquire()
        if self._failure is not None:
            raise self._failure

    def leave(self) -> None:
        if not self.done:
            self._turn.release()
            self._thread.join()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            if not self._stage.closed:
                self._play(self)
        except (Crashed, Abandoned):
            pass
        except BaseException as error:  # noqa: BLE001 (the stage raises it again, in the test)
            self._failure = error
        finally:
            self.done = True
            if not self._stage.closed:
                self._stage.back.release()


class Stage:
    """Runs actors until none is left. Time passes only when nobody can go on."""

    def __init__(self, random: Random, clock: ManualClock, longest: timedelta) -> None:
        self.random = random
        self.clock = clock
        self._end = clock.now + longest
        self.back = threading.Semaphore(0)
        self.closed = False
        self.steps = 0
        self._actors: list[Actor] = []

    def enter(self, name: str, play: Callable[[Actor], None]) -> Actor:
        actor = Actor(self, name, play)
        self._actors.append(actor)
        return actor

    def play(self, until: Callable[[], bool], describe: Callable[[], str]) -> None:
        try:
            while not until():
                self._go_on(describe)
        finally:
            self.closed = True
            for actor in self._actors:
                actor.leave()

    def _go_on(self, describe: Callable[[], str]) -> None:
        ready = [actor for actor in self._actors if actor.ready(self.clock.now)]
        if ready:
            actor = self.random.choice(ready)
            actor.step()
            self.steps += 1
            if actor.done:
                self._actors.remove(actor)
            return
        times = [actor.wake for actor in self._actors if isinstance(actor.wake, datetime)]
        if not times or min(times) > self._end:
            raise Stuck(describe())
        self.clock.now = max(min(times), self.clock.now + timedelta(microseconds=1))


class Watched:
    """A port whose calls are turns; `perils` may end the caller before or after each call."""

    def __init__(self, port: Any, actor: Actor, perils: Callable[[], bool]) -> None:
        self._port = port
        self._actor = actor
        self._perils = perils

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self._actor.pause()
            if self._perils():
                raise Crashed
            result = call(*arguments, **named)
            if self._perils():
                raise Crashed
            return result

        return watched
