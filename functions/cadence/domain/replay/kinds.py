"""What a treatment depends on beside its inputs, as far as the evidence says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cadence.domain.replay.clues import Clue, OutputClues


class DifferenceKind(StrEnum):
    TIME = "time"
    RANDOM = "random"
    NETWORK = "network"
    ORDER = "order"
    PLACE = "place"  # its working directory or machine
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True)
class Guess:
    kind: DifferenceKind
    confidence: Confidence
    evidence: str


@dataclass(frozen=True)
class Execution:
    """The original or one replay, ended: how, and the digests of what it sent by port. `offline`: without any network."""

    state: str
    exit_code: int | None
    digests: Mapping[str, str]
    offline: bool = False

    @property
    def ending(self) -> tuple[str, int | None]:
        return self.state, self.exit_code

    def words(self) -> str:
        code = f" with exit code {self.exit_code}" if self.exit_code else ""
        return f"{self.state}{code}"


@dataclass(frozen=True)
class DifferenceEvidence:
    """`original` and all `replays` that can be compared. `readings` are of the outputs that differ, by port; `reordered` are
    the ports that have the same lines in another order."""

    original: Execution
    replays: Sequence[Execution]
    readings: Mapping[str, OutputClues]
    reordered: Sequence[str] = ()

    @property
    def online(self) -> Sequence[Execution]:
        return [self.original, *(one for one in self.replays if not one.offline)]

    @property
    def offline(self) -> Sequence[Execution]:
        return [one for one in self.replays if one.offline]


def guesses(evidence: DifferenceEvidence) -> Sequence[Guess]:
    """Likely ones first. Empty if nothing differs and nothing is known of its use of the network."""
    found: list[Guess] = []
    for port, reading in evidence.readings.items():
        found += _from_words(port, reading)
    found += [
        Guess(DifferenceKind.ORDER, Confidence.LIKELY, f"{port} has the same lines in another order")
        for port in evidence.reordered
    ]
    network = _network(evidence)
    differs = any(
        one.ending != evidence.original.ending or one.digests != evidence.original.digests for one in evidence.online
    )
    open_ports = [
        port for port, reading in evidence.readings.items() if not reading.explained and port not in evidence.reordered
    ]
    if network:
        # It may need the network and differ for another reason.
        confidence = Confidence.LIKELY if open_ports or not found else Confidence.POSSIBLE
        found.append(Guess(DifferenceKind.NETWORK, confidence, network))
    elif open_ports:
        found.append(_of_unexplained(evidence, open_ports[0]))
    if differs and not found:
        found.append(_of_endings(evidence))
    return sorted(_once(found), key=lambda guess: guess.confidence is not Confidence.LIKELY)


def _from_words(port: str, reading: OutputClues) -> list[Guess]:
    found = []
    moment, duration = reading.has(Clue.MOMENT), reading.has(Clue.DURATION)
    if moment:
        words = f"{port} says {moment.then!r} then and {moment.now!r} now, each the time of its own run"
        found.append(Guess(DifferenceKind.TIME, Confidence.LIKELY, words))
    elif duration:
        words = (
            f"{port} says {duration.then!r} then and {duration.now!r} now, which looks like a time that was measured"
        )
        found.append(Guess(DifferenceKind.TIME, Confidence.LIKELY, words))
    if place := reading.has(Clue.PLACE):
        words = f"{port} says {place.then!r} then and {place.now!r} now: where it ran"
        found.append(Guess(DifferenceKind.PLACE, Confidence.LIKELY, words))
    if uuid := reading.has(Clue.UUID):
        words = f"{port} says {uuid.then!r} then and {uuid.now!r} now: identifiers that are made up each time"
        found.append(Guess(DifferenceKind.RANDOM, Confidence.LIKELY, words))
    return found


def _network(evidence: DifferenceEvidence) -> str | None:
    """Why it seems to need the network, from replays without one."""
    online = {one.ending for one in evidence.online}
    for one in evidence.offline:
        if one.ending not in online:
            return f"without a network it {one.words()}, with one it {evidence.original.words()}"
    return None


def _of_unexplained(evidence: DifferenceEvidence, port: str) -> Guess:
    """Of a difference that nothing in its words explains."""
    sent = [one.digests[port] for one in (*evidence.online, *evidence.offline) if port in one.digests]
    count = len(sent)
    each_time = count > 2 and len(set(sent)) == count
    token = evidence.readings[port].has(Clue.TOKEN)
    looks = f" ({token.then!r} then, {token.now!r} now)" if token else ""
    if each_time and any(port in one.digests for one in evidence.offline):
        words = f"{port} is another each of {count} times{looks}, also without a network, and nothing in it is a time"
        return Guess(DifferenceKind.RANDOM, Confidence.LIKELY, words)
    if each_time:
        words = (
            f"{port} is another each of {count} times{looks}, and nothing in it is a time; the network is not ruled out"
        )
        return Guess(DifferenceKind.RANDOM, Confidence.POSSIBLE, words)
    if count > 2 and len(set(sent[1:])) == 1:
        words = (
            f"{port} is the same in all {count - 1} replays, but not as then: what it takes from elsewhere has changed"
        )
        return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, words)
    words = f"{port} differs{looks}, and nothing in it tells why; more replays, one without a network, may tell"
    return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, words)


def _of_endings(evidence: DifferenceEvidence) -> Guess:
    ends = ", ".join(one.words() for one in evidence.online)
    return Guess(DifferenceKind.UNKNOWN, Confidence.POSSIBLE, f"it does not always end alike: {ends}")


def _once(found: Sequence[Guess]) -> list[Guess]:
    """The first guess of each kind and confidence."""
    return list({(guess.kind, guess.confidence): guess for guess in reversed(found)}.values())[::-1]
