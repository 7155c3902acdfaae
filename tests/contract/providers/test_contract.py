"""What every provider must do, whatever the infrastructure."""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cadence.domain.shared.errors import CadenceError, CapacityExhausted, NotReady, ProviderRejected, Transient
from cadence.providers.contract import AgentFile, CallHome, Machine, MachineCondition, Provider, RunnerRequest
from tests.contract import providers
from tests.contract.providers.peer import Peer, Trouble

TOKEN = "a-one-time-token-nobody-may-read"
RUN = "01arz3ndektsv4rrffq69g5fav"
EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
UP = {MachineCondition.STARTING, MachineCondition.RUNNING}
OVER = {MachineCondition.STOPPING, MachineCondition.GONE}


_SUFFIX = "_peer"
_PEERS = sorted(
    module.name.removesuffix(_SUFFIX)
    for module in pkgutil.iter_modules(providers.__path__)
    if module.name.endswith(_SUFFIX)
)


@pytest.fixture(scope="module", params=_PEERS)
def infrastructure(request: pytest.FixtureRequest) -> Iterator[Peer]:
    """Started once for all cases: each case has runners of its own."""
    # Imported here: what emulates an infrastructure takes long to import, and most workers need none.
    module = importlib.import_module(f"{providers.__name__}.{request.param}{_SUFFIX}")
    with module.peer() as peer:
        yield peer


@pytest.fixture
def peer(infrastructure: Peer, request: pytest.FixtureRequest) -> Iterator[Peer]:
    case = request.node.originalname.removeprefix("test_")
    trouble = getattr(request.node, "callspec", None) and request.node.callspec.params.get("trouble")
    for name in (case, f"{case}[{trouble}]"):
        if name in infrastructure.cannot:
            pytest.skip(f"{infrastructure.what}: {infrastructure.cannot[name]}")
    infrastructure.clear()
    yield infrastructure
    infrastructure.clear()
    provider = infrastructure.provider()
    for machine in provider.list_owned():
        provider.stop(machine.ref)
    infrastructure.settle()


@pytest.fixture
def provider(peer: Peer) -> Provider:
    return peer.provider()


_numbers = iter(range(1, 10_000))


def a_request() -> RunnerRequest:
    """Of another runner each time."""
    home = CallHome("https://cadence.example", TOKEN, AgentFile("https://cadence.example/cadence-agent.pyz", "ab" * 32))
    runner_id = f"{RUN}-{next(_numbers):012x}-1"
    return RunnerRequest(
        runner_id=runner_id,
        boot_deadline=120,
        run_id=RUN,
        treatment="build",
        project="default",
        expires_at=EXPIRES,
        home=home,
    )


@pytest.fixture
def request_() -> RunnerRequest:
    return a_request()


def owned(provider: Provider, request: RunnerRequest) -> list[Machine]:
    """Its machines that are up, as the inventory has them."""
    return [each for each in provider.list_owned() if each.runner_id == request.runner_id and each.condition in UP]


def test_start_makes_one_machine(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    ref = provider.start(request_)

    assert peer.machines(request_.runner_id) == 1
    for known_by in (ref, request_.runner_id):
        machine = provider.describe(known_by)
        assert machine.condition in UP
        assert machine.runner_id == request_.runner_id


def test_start_again_adopts(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    first = provider.start(request_)
    # Another Lambda, which knows nothing of the first.
    assert peer.provider().start(request_) == first
    assert peer.machines(request_.runner_id) == 1


def test_start_again_after_a_lost_answer_adopts(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    peer.lose_answer()
    with suppress(Transient):  # or it looked for itself
        provider.start(request_)

    ref = peer.provider().start(request_)

    assert peer.machines(request_.runner_id) == 1
    assert provider.describe(ref).condition in UP


def test_start_at_the_same_time_makes_one(peer: Peer, request_: RunnerRequest) -> None:
    """A Lambda that was taken for lost still works while the next one has begun."""
    errors: list[BaseException] = []

    def start(provider: Provider) -> None:
        try:
            provider.start(request_)
        except (Transient, NotReady):  # it is called again
            return
        except CadenceError as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(peer.provider(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    peer.provider().start(request_)
    assert peer.machines(request_.runner_id) == 1


def test_describe_follows_a_life(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    assert provider.describe(request_.runner_id).condition is MachineCondition.GONE
    ref = provider.start(request_)
    peer.boot(request_.runner_id)
    assert provider.describe(ref).condition is MachineCondition.RUNNING
    provider.stop(ref)
    assert provider.describe(ref).condition in OVER
    peer.settle()
    assert provider.describe(ref).condition is MachineCondition.GONE


def test_a_machine_that_ended_by_itself_is_gone(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    ref = provider.start(request_)
    peer.boot(request_.runner_id)
    peer.end(request_.runner_id)
    assert provider.describe(ref).condition in OVER
    assert owned(provider, request_) == []
    provider.stop(ref)


def test_stop_ends_it(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    provider.stop(provider.start(request_))
    peer.settle()
    assert peer.machines(request_.runner_id) == 0


def test_stop_by_the_runners_id(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    """Whoever stops may know no reference."""
    provider.start(request_)
    peer.provider().stop(request_.runner_id)
    peer.settle()
    assert peer.machines(request_.runner_id) == 0


def test_stop_twice(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    ref = provider.start(request_)
    provider.stop(ref)
    provider.stop(ref)
    peer.settle()
    provider.stop(ref)
    assert peer.machines(request_.runner_id) == 0


def test_stop_of_a_missing_one(provider: Provider, request_: RunnerRequest) -> None:
    provider.stop(request_.runner_id)


def test_stop_leaves_the_others(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    other = a_request()
    provider.start(other)
    provider.stop(provider.start(request_))
    peer.settle()
    assert peer.machines(other.runner_id) == 1


def test_list_has_everything_of_this_pool(peer: Peer, provider: Provider) -> None:
    asked = [a_request() for _ in range(peer.page)]
    for each in asked:
        provider.start(each)
    peer.add_foreign()

    listed = {each.runner_id: each for each in provider.list_owned() if each.condition in UP}

    assert set(listed) == {each.runner_id for each in asked}
    for machine in listed.values():
        assert machine.expires_at == EXPIRES
        assert machine.created_at is None or machine.created_at.tzinfo is not None
        assert provider.describe(machine.ref).runner_id == machine.runner_id


def test_list_has_what_a_lost_answer_left(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    """Nobody remembers it: the sweeper finds it here, and ends it by what is listed."""
    peer.lose_answer()
    with suppress(Transient):
        provider.start(request_)
    (machine,) = owned(provider, request_)
    provider.stop(machine.ref)
    peer.settle()
    assert peer.machines(request_.runner_id) == 0


def refused(peer: Peer, trouble: Trouble, kind: type[CadenceError], call: Callable[[], object]) -> CadenceError:
    """`call` fails with this kind of error, which has the infrastructure's words and no secret."""
    with pytest.raises(kind) as caught:
        call()
    error: CadenceError = caught.value
    assert peer.words.get(trouble, "") in error.message
    for text in (error.message, repr(error), str(error.details)):
        assert peer.secret not in text
        assert TOKEN not in text
    return error


@pytest.mark.parametrize("trouble", [Trouble.FULL, Trouble.QUOTA])
def test_without_room_the_next_pool_is_tried(peer: Peer, request_: RunnerRequest, trouble: Trouble) -> None:
    peer.make(trouble)
    refused(peer, trouble, CapacityExhausted, lambda: peer.provider().start(request_))
    assert peer.machines(request_.runner_id) == 0

    peer.clear()
    # It is asked for anew, as the lifecycle does after a definite refusal.
    peer.provider().start(replace(request_, expires_at=EXPIRES + timedelta(minutes=1)))
    assert peer.machines(request_.runner_id) == 1


def test_bad_credentials_are_refused_for_good(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    ref = provider.start(request_)
    peer.make(Trouble.CREDENTIALS)
    stranger = peer.provider()
    calls: Sequence[Callable[[], object]] = (
        lambda: stranger.start(a_request()),
        lambda: stranger.describe(ref),
        lambda: stranger.stop(ref),
        stranger.list_owned,
    )
    for call in calls:
        refused(peer, Trouble.CREDENTIALS, ProviderRejected, call)


def test_a_missing_image_is_refused_for_good(peer: Peer, request_: RunnerRequest) -> None:
    peer.make(Trouble.IMAGE)
    refused(peer, Trouble.IMAGE, ProviderRejected, lambda: peer.provider().start(request_))
    assert peer.machines(request_.runner_id) == 0


@pytest.mark.parametrize("trouble", [Trouble.THROTTLED, Trouble.BROKEN, Trouble.SLOW])
def test_what_may_pass_is_to_be_tried_again(peer: Peer, request_: RunnerRequest, trouble: Trouble) -> None:
    """For each call: nothing that failed may be taken for an answer."""
    ref = peer.provider().start(request_)
    peer.make(trouble)
    provider = peer.provider()
    calls: Sequence[Callable[[], object]] = (
        lambda: provider.start(a_request()),
        lambda: provider.describe(ref),
        lambda: provider.stop(ref),
        provider.list_owned,
    )
    for call in calls:
        error = refused(peer, trouble, Transient, call)
        assert isinstance(error, Transient)
        if trouble is Trouble.THROTTLED and peer.wait_told is not None:
            assert error.retry_after >= peer.wait_told

    peer.clear()
    peer.provider().stop(ref)
    peer.settle()
    assert peer.machines(request_.runner_id) == 0


def test_probe_finds_nothing_missing(provider: Provider) -> None:
    checks = provider.probe()
    assert [each for each in checks if each.missing] == []


@pytest.mark.parametrize("trouble", [Trouble.CREDENTIALS, Trouble.IMAGE])
def test_probe_says_what_is_missing(peer: Peer, trouble: Trouble) -> None:
    peer.make(trouble)
    missing = {each.what: each for each in peer.provider().probe() if each.missing}
    assert str(trouble) in missing
    assert peer.secret not in str(missing)


def test_probe_starts_nothing(peer: Peer, provider: Provider) -> None:
    before = len(provider.list_owned())
    provider.probe()
    assert len(provider.list_owned()) == before


@pytest.mark.parametrize("trouble", [Trouble.BROKEN, Trouble.THROTTLED])
def test_probe_raises_nothing_that_it_can_say(peer: Peer, trouble: Trouble) -> None:
    peer.make(trouble)
    assert any(each.missing for each in peer.provider().probe())


def test_console_of_what_is_there_and_of_what_is_not(peer: Peer, provider: Provider, request_: RunnerRequest) -> None:
    assert provider.console(request_.runner_id) is None
    ref = provider.start(request_)
    peer.boot(request_.runner_id)
    text = provider.console(ref)
    assert text is None or len(text.encode()) <= 16 * 1024
    assert TOKEN not in (text or "")
