"""Infers what a treatment depends on beside its inputs, as far as the evidence says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.replay.clues import Clue, OutputClues


class DifferenceKind(StrEnum):
    """The cause of a difference between executions."""

    TIME = "time"
    RANDOM = "random"
    NETWORK = "network"
    ORDER = "order"
    PLACE = "place"  # the working directory or the machine
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """The strength of a guess."""

    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Guess:
    """A guess at a dependency, and the sentence that supports it."""

    kind: DifferenceKind
    confidence: Confidence
    evidence: str


@dataclass(frozen=True)
class Execution:
    """The original or one replay after its end: its state, and the digests of its outputs by port.

    `offline`: it had no network.
    """

    state: str
    exit_code: int | None
    digests: Mapping[str, str]
    offline: bool = False

    @property
    def ending(self) -> tuple[str, int | None]:
        """The state and the exit code, to be compared."""
        return self.state, self.exit_code

    def words(self) -> str:
        """Returns how it ended, for sentences."""
        code = f" with exit code {self.exit_code}" if self.exit_code else ""
        return f"{self.state}{code}"


@dataclass(frozen=True)
class DifferenceEvidence:
    """The evidence: `original` and all `replays` that can be compared.

    `readings` are of the outputs that differ, by port; `reordered` are the ports that have the same lines in another
    order.
    """

    original: Execution
    replays: Sequence[Execution]
    readings: Mapping[str, OutputClues]
    reordered: Sequence[str] = ()

    @property
    def online(self) -> Sequence[Execution]:
        """The original and the replays with a network."""
        return [self.original, *(replay for replay in self.replays if not replay.offline)]

    @property
    def offline(self) -> Sequence[Execution]:
        """The replays without a network."""
        return [replay for replay in self.replays if replay.offline]


def guesses(evidence: DifferenceEvidence) -> Sequence[Guess]:
    """Returns the guesses, likely ones first.

    There are none if nothing differs and nothing is known of the treatment's use of the network.
    """
    inferred: list[Guess] = []
    for port, reading in evidence.readings.items():
        inferred += _from_words(port, reading)
    inferred += [
        Guess(DifferenceKind.ORDER, Confidence.LIKELY, f"{port} has the same lines in another order")
        for port in evidence.reordered
    ]
    network = _network(evidence)
    differs = any(
        execution.ending != evidence.original.ending or execution.digests != evidence.original.digests
        for execution in evidence.online
    )
    open_ports = [
        port for port, reading in evidence.readings.items() if not reading.explained and port not in evidence.reordered
    ]
    if network:
        # It may need the network and differ for another reason.
        confidence = Confidence.LIKELY if open_ports or not inferred else Confidence.POSSIBLE
        inferred.append(Guess(DifferenceKind.NETWORK, confidence, network))
    elif open_ports:
        inferred.append(_of_unexplained(evidence, open_ports[0]))
    if differs and not inferred:
        inferred.append(_of_endings(evidence))
    return sorted(_once(inferred), key=lambda guess: guess.confidence is not Confidence.LIKELY)


def _from_words(port: str, reading: OutputClues) -> list[Guess]:
    inferred = []
    moment, duration = reading.has(Clue.MOMENT), reading.has(Clue.DURATION)
    if moment:
        words = f"{port} says {moment.then!r} then and {moment.now!r} now, each the time of its own run"
        inferred.append(Guess(DifferenceKind.TIME, Confidence.LIKELY, words))
    elif duration:
        words = f"{port} says {duration.then!r} then and {duration.now!r} now, which looks like a measured time"
        inferred.append(Guess(DifferenceKind.TIME, Confidence.LIKELY, words))
    if place := reading.has(Clue.PLACE):
        words = f"{port} says {place.then!r} then and {place.now!r} now, the place where it ran"
        inferred.append(Guess(DifferenceKind.PLACE, Confidence.LIKELY, words))
    if uuid := reading.has(Clue.UUID):
        words = f"{port} says {uuid.then!r} then and {uuid.now!r} now, which are identifiers generated each time"
        inferred.append(Guess(DifferenceKind.RANDOM, Confidence.LIKELY, words))
    return inferred


def _network(evidence: DifferenceEvidence) -> str | None:
    """Returns why it seems to need the network, from replays without one; None if it does not."""
    online = {execution.ending for execution in evidence.online}
    for execution in evidence.offline:
        if execution.ending not in online:
            return f"without a network it {execution.words()}, with one it {evidence.original.words()}"
    return None


def _of_unexplained(evidence: DifferenceEvidence, port: str) -> Guess:
    """Returns the guess for a difference that none of its words explains."""
    digests = [
        execution.digests[port] for execution in (*evidence.online, *evidence.offline) if port in execution.digests
    ]
    count = len(digests)
    each_time = count > 2 and len(set(digests)) == count
    token = evidence.readings[port].has(Clue.TOKEN)
    looks = f" ({token.then!r} then, {token.now!r} now)" if token else ""
    if each_time and any(port in execution.digests for execution in evidence.offline):
        words = f"{port} is another each of {count} times{looks}, also without a network, and nothing in it is a time"
        return Guess(DifferenceKind.RANDOM, Confidence.LIKELY, words)
    if each_time:
        words = (
            f"{port} is another each of {count} times{looks}, and nothing in it is a time; the network is not ruled out"
        )
        return Guess(DifferenceKind.RANDOM, Confidence.POSSIBLE, words)
    if count > 2 and len(set(digests[1:])) == 1:
        words = f"{port} is the same in all {count - 1} replays, but differs from then: what it takes from elsewhere has changed"
        return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, words)
    words = f"{port} differs{looks}, and nothing in it explains why; more replays, one of them without a network, may explain it"
    return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, words)


def _of_endings(evidence: DifferenceEvidence) -> Guess:
    ends = ", ".join(execution.words() for execution in evidence.online)
    return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, f"it does not always end alike: {ends}")


def _once(all_guesses: Sequence[Guess]) -> list[Guess]:
    """Returns the first guess of each kind and confidence."""
    return list({(guess.kind, guess.confidence): guess for guess in reversed(all_guesses)}.values())[::-1]
