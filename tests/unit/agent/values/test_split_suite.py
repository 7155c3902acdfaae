"""The shares of a suite: a partition by measured durations, the same whenever an instance asks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bootstrap.agent.values.split_suite import durations_of, shares

SECONDS = st.one_of(st.just(0.0), st.floats(min_value=0.001, max_value=1_000))
FILES = st.dictionaries(st.text("abc/_.", min_size=1, max_size=6), SECONDS, max_size=30)


@given(FILES, st.integers(1, 8), st.randoms(use_true_random=False))
def test_every_file_is_in_exactly_one_share_in_whatever_order_files_come(durations, count, random):
    divided = shares(durations, count)

    assert len(divided) == count
    assert sorted(itertools.chain(*divided)) == sorted(durations)
    mixed = list(durations.items())
    random.shuffle(mixed)
    assert shares(dict(mixed), count) == divided


@given(FILES.filter(bool), st.integers(1, 8))
def test_no_share_is_longer_than_the_bound_of_list_scheduling(durations, count):
    longest = max(sum(durations[path] for path in share) for share in shares(durations, count))

    bound = sum(durations.values()) / count + (1 - 1 / count) * max(durations.values())
    assert longest <= bound * (1 + 1e-9)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 3))
def test_the_longest_share_is_at_most_a_third_longer_than_the_best_division(seconds, count):
    durations = {f"t{number}": float(one) for number, one in enumerate(seconds)}

    longest = max(sum(durations[path] for path in share) for share in shares(durations, count))

    best = min(
        max(sum(one for at, one in enumerate(seconds) if owners[at] == share) for share in range(count))
        for owners in itertools.product(range(count), repeat=len(seconds))
    )
    assert longest <= best * (4 / 3 - 1 / (3 * count)) + 1e-9


def test_files_that_nothing_was_measured_of_are_divided_evenly():
    divided = shares(durations_of([f"t{number}.py" for number in range(7)], {}), 3)

    assert sorted(map(len, divided)) == [2, 2, 3]


def test_a_new_file_takes_the_mean():
    files = ["tests/test_a.py", "tests/test_b.py", "tests/test_new.py"]

    assert durations_of(files, {"tests.test_a": 1.0, "tests.test_b.TestX": 1.0, "tests.test_b": 4.0, "gone": 9.0}) == {
        "tests/test_a.py": 1.0,
        "tests/test_b.py": 5.0,
        "tests/test_new.py": 3.0,
    }


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("tests/test_a.py", "tests/test_a.py"),
        ("./tests/test_a.py", "tests/test_a.py"),
        ("/builds/1/tests/test_a.py", "tests/test_a.py"),
        ("tests.test_a.TestLogin", "tests/test_a.py"),
        ("tests.test_a", "backend/tests/test_a.py"),
        ("com.acme.LoginTest", "src/test/java/com/acme/LoginTest.java"),
        ("com.acme.LoginTest$Nested", "src/test/java/com/acme/LoginTest.java"),
        ("src/login.test.ts", "src/login.test.ts"),
        ("tests\\test_a.py", "tests/test_a.py"),
    ],
)
def test_places_of_reports_are_found_among_the_files(place, path):
    others = ["other/test_b.py", "src/other.test.ts"]

    assert durations_of([*others, path], {place: 2.0, "other.test_b": 4.0}) == {
        "other/test_b.py": 4.0,
        "src/other.test.ts": 3.0,
        path: 2.0,
    }
