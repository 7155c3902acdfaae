"""The series of a treatment's resources: written compactly, thinned without losing what matters."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.runners.resources import ResourceSample, decode, encode, in_order, thinned

NOW = datetime(2030, 1, 1, tzinfo=UTC)
AMOUNT = st.integers(0, 2**53)
MAYBE = st.none() | AMOUNT


@st.composite
def samples(draw: st.DrawFn) -> ResourceSample:
    at = NOW + timedelta(milliseconds=draw(st.integers(0, 10**6)))
    return ResourceSample(
        at=at,
        cpu_ms=draw(AMOUNT),
        memory=draw(AMOUNT),
        read_bytes=draw(AMOUNT),
        write_bytes=draw(AMOUNT),
        processes=draw(AMOUNT),
        rx_bytes=draw(MAYBE),
        tx_bytes=draw(MAYBE),
        disk_bytes=draw(MAYBE),
        shared_network=draw(st.booleans()),
    )


@given(st.lists(samples(), max_size=20))
def test_what_is_written_is_read(series: list[ResourceSample]) -> None:
    assert list(decode(encode(series))) == series
    assert in_order([*series, *series]) == in_order(series)


@given(st.integers(0, 300), st.integers(2, 60), st.data())
def test_thinning_keeps_the_ends_and_the_most_memory(count: int, most: int, data: st.DataObject) -> None:
    peak = data.draw(st.integers(0, max(0, count - 1)))
    series = [
        ResourceSample(
            at=NOW + timedelta(seconds=place),
            cpu_ms=place,
            memory=9 if place == peak else 1,
            read_bytes=0,
            write_bytes=0,
            processes=1,
        )
        for place in range(count)
    ]
    kept = thinned(series, most)
    assert len(kept) <= max(most, min(count, most))
    assert list(kept) == sorted(kept, key=lambda sample: sample.at)
    if count:
        assert (kept[0], kept[-1]) == (series[0], series[-1])
        if most > 2:
            assert series[peak] in kept
