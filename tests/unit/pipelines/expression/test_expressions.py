"""Expressions: their values, their limits, and that nothing but their own error ever comes of them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.pipelines.expression import Evaluator, ExpressionError, read_template

NAMES: dict[str, Any] = {
    "parameters": {
        "n": 3,
        "huge": 2**100,
        "on": True,
        "none": None,
        "half": 0.5,
        "list": ["a", "b"],
        "map": {"k": "v"},
        "thousand": list(range(1_000)),
        "many": list(range(40_000)),
        "long": "a" * 90_000,
    },
    "event": {"kind": "push", "branch": "main"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ parameters.n }}", 3),
        (" ${{ parameters.n + 1 }} ", 4),
        ("${{ parameters.huge }}", 2**100),
        ("${{ parameters.list }}", ["a", "b"]),
        ("v${{ parameters.n }}-${{ parameters.on }}-${{ parameters.none }}.", "v3-true-."),
        ("${{ parameters.half * 2.0 }}!", "1!"),
        ("${{ parameters.list }}${{ parameters.map }}", '["a","b"]{"k":"v"}'),
        ("$${{ x }} ${{ '}}' + \"{{\" }}", "${{ x }} }}{{"),
        ("${{ {'a': {'b': 1}} }}", {"a": {"b": 1}}),
        ("${{ has(event.tag) ? event.tag : 'none' }}", "none"),
        ("${{ event['branch'].startsWith('ma') }}", True),
        ("${{ 'v1.20'.matches('^v[0-9]+[.]') }}", True),
        ("${{ parameters.list.map(x, x + '!').join('-').upperAscii() }}", "A!-B!"),
        ("${{ 'a,b'.split(',')[1] + string(true) + 'xyz'.substring(1) }}", "btrueyz"),
        ('${{ fromJson(\'{"a": {"b": [1, "x"]}}\').a.b[1] }}', "x"),
        ("${{ has(fromJson('{\"a\": 1}').b) }}", False),
        ("${{ fromJson('[3, 4]').map(n, n + 1) }}", [4, 5]),
        ("${{ toJson({'a': [1, 'é', null]}) + toJson('x') }}", '{"a":[1,"é",null]}"x"'),
        ("${{ parameters.list.exists(x, x == 'b') && size(parameters.map) == 1 }}", True),
    ],
)
def test_has_the_value(text: str, value: object) -> None:
    found = Evaluator(NAMES).value(text)

    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event.tag", "event has no “tag”. There are: branch, kind."),
        ("event.tag == 'x'", "(event.tag is missing)"),
        ("parameters.n.x", "parameters.n is no mapping"),
        ("'a' + parameters.n", "string + int. (parameters.n is “3”)"),
        ("parameters.huge + 1", "string + int"),
        ("1 / (parameters.n - 3)", "divides by zero"),
        ("9223372036854775807 + 1", "overflow"),
        ("[1][5]", "out of bounds"),
        ("timestamp('2024-01-01T00:00:00Z')", "a time"),
        ("{1: 2}", "keys are not all texts"),
        ("'a\\000b'", "NUL"),
        ("'a'.trim(1)", "trim cannot be called with text, a whole number"),
        ("'x'.matches('(')", "“(” is no pattern"),
        ("nothing(1)", "no function nothing"),
        ("", "nothing between"),
        ("'open", "quote is not closed"),
        ("a b", "no expression, near “b”"),
    ],
)
def test_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Evaluator(NAMES).value(f"${{{{ {text} }}}}")

    assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "parameters.many.map(x, x)",
        "parameters.many.filter(x, true)",
        "parameters.many.all(x, x in parameters.many)",
        "parameters.thousand.map(x, parameters.many).map(x, x + x)",
        "['a']" + ".map(x, x + x)" * 40,
        "['a']" + ".map(x, [x, x])" * 40,
        "parameters.long.split('a').map(x, x)",
        "parameters.long.replace('a', parameters.long)",
        "parameters.long.matches('(a{90}){90}$')",
        "parameters.thousand.exists(x, parameters.long.matches('a*b'))",
        "parameters.list.map(x, parameters.list.map(y, y))",
        "(" * 100 + "1" + ")" * 100,
        "[" * 60 + "]" * 60,
        "!" * 1_500 + "true",
        "1" + " + 1" * 400,
        "'" + "a" * 3_000 + "'",
        "size(" * 90 + "'a'" + ")" * 90,
    ],
)
def test_what_would_take_too_long_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Evaluator(NAMES).value(f"${{{{ {text} }}}}")


def test_all_evaluations_together_are_bounded() -> None:
    names = Evaluator(NAMES)
    every = (names.with_names({"matrix": {"n": number}}) for number in range(1_000))

    with pytest.raises(ExpressionError, match="too long together"):
        [one.value("${{ [matrix.n].map(x, x) + parameters.thousand.map(x, x) }}") for one in every]


def test_a_repeated_text_is_read_once() -> None:
    assert read_template("${{ event.kind }} of it") is read_template("${{ event.kind }} of it")


WORDS = st.sampled_from(
    [
        "parameters",
        "event",
        ".",
        "n",
        "list",
        "map",
        "long",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "?",
        "+",
        "-",
        "*",
        "/",
        "!",
        "&&",
        "||",
        "==",
        "<",
        "in",
        "'a'",
        '"b"',
        "1",
        "2.5",
        "0x1",
        "true",
        "null",
        "has",
        "size",
        "map",
        "filter",
        "all",
        "x",
        "matches",
        "replace",
        "split",
        "string",
        "join",
        "timestamp",
        "duration",
        "bytes",
        "//\n",
        "'''",
        "r''",
        "b''",
        "${{",
        "}}",
        "$",
        "\\",
        "é",
        "\x00",
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=30))
def test_nothing_but_its_own_error_comes_of_an_expression(source: str) -> None:
    with suppress(ExpressionError):
        Evaluator(NAMES).value(f"${{{{ {source} }}}}")
