"""Random queries and lines, made of few words so that they meet."""

from typing import Any

from hypothesis import strategies as st

from cadence.domain.search.matching import LineOwner
from cadence.domain.search.query import (
    And,
    Condition,
    Everything,
    Field,
    FieldName,
    FieldPrefix,
    Not,
    Or,
    Pattern,
    Phrase,
    Prefix,
    Word,
)
from cadence.domain.search.required import required_words

SOME_WORDS = ("error", "err", "timeout", "connection", "refused", "42", "é", "日")
_SEPARATORS = (" ", "_", ": ", "…", "\x1b[31m", "")
_VALUES = {
    FieldName.ORGANIZATION: ("default", "other"),
    FieldName.PROJECT: ("default", "web"),
    FieldName.PIPELINE: ("build", "deploy"),
    FieldName.RUN: ("run-1", "run-2"),
    FieldName.TREATMENT: ("test", "test:3.13", "build"),
    FieldName.RUNNER: ("runner-1", "runner-2"),
    FieldName.POOL: ("", "spot"),
    FieldName.STREAM: ("stdout", "stderr"),
    FieldName.LEVEL: ("info", "error"),
    FieldName.STATE: ("running", "failed"),
}

texts = st.lists(st.tuples(st.sampled_from(SOME_WORDS), st.sampled_from(_SEPARATORS)), max_size=6).map(
    lambda parts: "".join(word + separator for word, separator in parts)
)

owners = st.builds(
    LineOwner,
    *(
        st.sampled_from(_VALUES[name])
        for name in (FieldName.ORGANIZATION, FieldName.PROJECT, FieldName.PIPELINE, FieldName.RUN)
    ),
)

times = st.integers(0, 59).map(lambda second: f"2026-11-24T10:00:{second:02}.500Z")

lines: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "time": times,
        "text": texts,
        **{
            name.value: st.sampled_from(_VALUES[name])
            for name in (FieldName.TREATMENT, FieldName.RUNNER, FieldName.POOL, FieldName.STREAM, FieldName.LEVEL)
        },
    }
)

regexes = st.sampled_from(
    ("err", "^error", "(?i)ERROR timeout", r"error\s\d+", "refused|42", " timeout ", "connection[_ ]refused$", "x{0}")
)


def _pattern(regex: str) -> Pattern:
    return Pattern(regex, required_words(regex))


_of_fields = st.sampled_from(FieldName).flatmap(
    lambda name: st.lists(st.sampled_from(_VALUES[name]), min_size=1, max_size=2).map(
        lambda values: Field(name, tuple(values))
    )
)
_prefixes = st.sampled_from([name for name in FieldName if name is not FieldName.STATE]).flatmap(
    lambda name: st.sampled_from(_VALUES[name]).map(lambda value: FieldPrefix(name, value[:3]))
)
_words = st.sampled_from(SOME_WORDS)
_phrases = st.builds(Phrase, st.lists(_words, min_size=2, max_size=3).map(tuple), st.booleans())
_leaves: st.SearchStrategy[Condition] = st.one_of(
    st.just(Everything()),
    st.builds(Word, _words),
    st.builds(Prefix, _words.map(lambda word: word[:3])),
    _phrases,
    regexes.map(_pattern),
    _of_fields,
    _prefixes,
)

conditions: st.SearchStrategy[Condition] = st.recursive(
    _leaves,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(And, st.lists(parts, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(parts, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
