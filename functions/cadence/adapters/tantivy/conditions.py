"""Translates a query's condition into a tantivy query, for one split."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import tantivy
from tantivy import Occur

from cadence.adapters.tantivy import index as fields
from cadence.adapters.tantivy.layout import KnownWords, SplitHead
from cadence.adapters.tantivy.rows import IN_ORIGIN
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
from cadence.domain.search.tokens import digest_terms, index_term

# tantivy refuses a phrase whose last word stands for more than 16,384 words of a segment of the index.
_MOST_LAST_WORDS = 10_000


@dataclass(frozen=True)
class TantivyCondition:
    """What `query` finds (None: every line) holds all lines that meet the condition; if `exact`, no others."""

    query: tantivy.Query | None
    exact: bool

    @property
    def finds_all(self) -> bool:
        return self.query is None


class _Nothing(TantivyCondition):
    """A condition that finds no line."""


_ALL = TantivyCondition(None, exact=True)
_PERHAPS_ALL = TantivyCondition(None, exact=False)


def finds_nothing(translated: TantivyCondition) -> bool:
    return isinstance(translated, _Nothing)


@dataclass(frozen=True)
class Translation:
    schema: tantivy.Schema
    searcher: tantivy.Searcher
    head: SplitHead

    def translate(self, condition: Condition) -> TantivyCondition:
        match condition:
            case Everything():
                return _ALL
            case Not(part):
                return self._not(self.translate(part))
            case And(parts):
                return self._and([self.translate(part) for part in parts])
            case Or(parts):
                return self._or([self.translate(part) for part in parts])
            case Word() | Prefix() | Phrase() | Pattern():
                return self._in_text(condition)
            case Field(name, values):
                return self._field(name, frozenset(values).__contains__)
            case FieldPrefix(name, prefix):
                return self._field(name, lambda value: value.startswith(prefix))

    def _in_text(self, condition: Word | Prefix | Phrase | Pattern) -> TantivyCondition:
        match condition:
            case Word(text):
                return self._word(text)
            case Prefix(text):
                return self._prefix(text)
            case Phrase(words, open_ended) if not self.head.is_older:
                # The index does not know the order of words.
                last = self._prefix(words[-1]) if open_ended else self._word(words[-1])
                return _inexact(self._and([*map(self._word, words[:-1]), last]))
            case Phrase(words, open_ended=False):
                return TantivyCondition(tantivy.Query.phrase_query(self.schema, fields.TEXT, list(words)), exact=True)
            case Phrase(words):
                return self._open_ended(words)
            case Pattern(_, required):
                return _inexact(self._and([self.translate(part) for part in required]))

    def _word(self, word: str) -> TantivyCondition:
        term = word if self.head.is_older else index_term(word)
        return TantivyCondition(tantivy.Query.term_query(self.schema, fields.TEXT, term, "basic"), exact=term == word)

    def _prefix(self, prefix: str) -> TantivyCondition:
        starts = [prefix] if self.head.is_older else [prefix, *digest_terms(prefix)]
        # A term has only letters, digits and the mark of digests, none of which is special in a regular expression.
        regex = "|".join(f"{start}.*" for start in starts)
        # A shortened digest may begin otherwise than the prefix, where that is longer than what is left of it.
        exact = all(prefix in start for start in starts)
        return TantivyCondition(tantivy.Query.regex_query(self.schema, fields.TEXT, regex), exact=exact)

    def _open_ended(self, words: Sequence[str]) -> TantivyCondition:
        last = words[-1]
        if len(self.searcher.terms_with_prefix(fields.TEXT, last, limit=_MOST_LAST_WORDS)) < _MOST_LAST_WORDS:
            phrase = [*words[:-1], f"{last}.*"]
            return TantivyCondition(
                tantivy.Query.regex_phrase_query(self.schema, fields.TEXT, list(phrase)), exact=True
            )
        complete = Word(words[0]) if len(words) == 2 else Phrase(tuple(words[:-1]))
        return _inexact(self._and([self.translate(complete), self.translate(Prefix(last))]))

    def _field(self, name: FieldName, wanted: Callable[[str], bool]) -> TantivyCondition:
        match name:
            case FieldName.STATE:
                return _PERHAPS_ALL
            case FieldName.ORGANIZATION:
                return _ALL if wanted(self.head.organization) else _Nothing(None, exact=True)
            case FieldName.PROJECT:
                return _ALL if wanted(self.head.project) else _Nothing(None, exact=True)
            case FieldName.LEVEL:
                return self._numbers(fields.LEVEL, map(wanted, self.head.levels))
            case FieldName.STREAM:
                return self._numbers(fields.STREAM, map(wanted, self.head.streams))
            case _:
                place = IN_ORIGIN[name]
                return self._numbers(fields.ORIGIN, (wanted(origin[place] or "") for origin in self.head.origins))

    def _numbers(self, field: str, wanted: Iterable[bool]) -> TantivyCondition:
        answers = list(wanted)
        numbers = [number for number, answer in enumerate(answers) if answer]
        if not numbers:
            return _Nothing(None, exact=True)
        if len(numbers) == len(answers):
            return _ALL
        if len(numbers) == 1:
            return TantivyCondition(tantivy.Query.term_query(self.schema, field, numbers[0], "basic"), exact=True)
        return TantivyCondition(tantivy.Query.term_set_query(self.schema, field, numbers), exact=True)

    def _not(self, part: TantivyCondition) -> TantivyCondition:
        if not part.exact:
            return _PERHAPS_ALL
        if finds_nothing(part):
            return _ALL
        if part.query is None:
            return _Nothing(None, exact=True)
        clauses = [(Occur.Must, tantivy.Query.all_query()), (Occur.MustNot, part.query)]
        return TantivyCondition(tantivy.Query.boolean_query(clauses), exact=True)

    def _and(self, parts: Sequence[TantivyCondition]) -> TantivyCondition:
        exact = all(part.exact for part in parts)
        if any(finds_nothing(part) for part in parts):
            return _Nothing(None, exact=True)
        queries = [part.query for part in parts if part.query is not None]
        return TantivyCondition(_joined(Occur.Must, queries), exact)

    def _or(self, parts: Sequence[TantivyCondition]) -> TantivyCondition:
        some = [part for part in parts if not finds_nothing(part)]
        if not some:
            return _Nothing(None, exact=True)
        exact = all(part.exact for part in some)
        if any(part.query is None and part.exact for part in some):
            return _ALL
        if any(part.query is None for part in some):
            return _PERHAPS_ALL
        return TantivyCondition(_joined(Occur.Should, [part.query for part in some if part.query is not None]), exact)


def may_have(condition: Condition, known: KnownWords) -> bool:
    """Returns False only if no line can meet the condition, by the words that there are."""
    match condition:
        case Word(text):
            return known.has(text)
        case Prefix(text):
            return known.has_prefix(text)
        case Phrase(words, open_ended):
            complete = words[:-1] if open_ended else words
            return all(map(known.has, complete)) and (not open_ended or known.has_prefix(words[-1]))
        case Pattern(_, required):
            return all(may_have(part, known) for part in required)
        case And(parts):
            return all(may_have(part, known) for part in parts)
        case Or(parts):
            return any(may_have(part, known) for part in parts)
        case _:
            return True


def _inexact(translated: TantivyCondition) -> TantivyCondition:
    return translated if finds_nothing(translated) else TantivyCondition(translated.query, exact=False)


def _joined(occur: Occur, queries: Sequence[tantivy.Query]) -> tantivy.Query | None:
    if len(queries) < 2:
        return queries[0] if queries else None
    return tantivy.Query.boolean_query([(occur, query) for query in queries])
