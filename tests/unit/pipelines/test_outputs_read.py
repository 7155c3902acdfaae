"""Which outputs of other treatments a condition reads."""

import pytest

from cadence.domain.pipelines.outputs_read import outputs_read


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        (None, ()),
        ("parameters.outputs > 1", ()),
        ("treatments.c.state == 'failed'", ()),
        ("treatments['a-b'].outputs.n > 1 && treatments.c.state == 'failed'", (("a-b", "n"),)),
        ("treatments.a.outputs.n > 1 || treatments.a.outputs.n < treatments.a.outputs.m", (("a", "n"), ("a", "m"))),
    ],
)
def test_outputs_are_named_once(condition: str | None, read: tuple[tuple[str, str], ...]) -> None:
    assert outputs_read(condition) == read
