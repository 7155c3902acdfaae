import pytest

from cadence.domain.push import matches_any


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("main", ["main"], ["main2", "amain", "Main"]),
        ("release/*", ["release/1", "release/"], ["release/1/2", "release"]),
        ("release/**", ["release/1", "release/1/2"], ["release"]),
        ("**/x.py", ["x.py", "a/x.py", "a/b/x.py"], ["ax.py", "a/x.pyc"]),
        ("v?.?", ["v1.2"], ["v12", "v1/2", "v10.2"]),
        ("a[b]+(c)", ["a[b]+(c)"], ["ab"]),
        ("**", ["a", "a/b", ""], []),
        ("src/**/t.py", ["src/t.py", "src/a/t.py"], ["src/at.py"]),
    ],
)
def test_patterns(pattern, matching, other):
    assert [text for text in [*matching, *other] if matches_any(text, [pattern])] == matching
