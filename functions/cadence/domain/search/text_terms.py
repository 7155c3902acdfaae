"""Reads the conditions of a query on the text of lines: words, beginnings of words, phrases, regular expressions."""

from cadence.domain.search.lexing import BadQuery, Term, TokenKind
from cadence.domain.search.query import Condition, Everything, Pattern, Phrase, Prefix, Word
from cadence.domain.search.regex import BadRegex, searches
from cadence.domain.search.required import required_words
from cadence.domain.search.tokens import plain, words

_SPECIAL = frozenset("\\.[](){}*+?|^$/")


def text_condition(term: Term) -> Condition:
    """Returns the condition on the text.

    Raises BadQuery for text without any word, and for an invalid regular expression.
    """
    if term.kind is TokenKind.REGEX:
        return _pattern(term)
    if term.kind is TokenKind.TEXT:
        return _bare(term)
    return _of_words(term, term.text, term.open_ended)


def _bare(term: Term) -> Condition:
    if term.text == "*":
        return Everything()
    text = term.text.removesuffix("*")
    if "*" in text and words(text):
        hint = f"Use a regular expression: /{'.*'.join(map(_escaped, term.text.split('*')))}/"
        raise BadQuery("A * can only end a word", term.position, hint)
    return _of_words(term, text, open_ended=text != term.text)


def _of_words(term: Term, text: str, open_ended: bool) -> Condition:
    text = plain(text)
    sequence = tuple(words(text))
    if not sequence:
        hint = (
            f"Only letters and digits make words; for the rest there are regular expressions: /{_escaped(term.text)}/"
        )
        raise BadQuery(f"There is no word in {term.text!r}", term.position, hint)
    # A text that ends with punctuation ends with a whole word, with a star or without.
    open_ended = open_ended and bool(words(text[-1]))
    if len(sequence) > 1:
        return Phrase(sequence, open_ended)
    return Prefix(sequence[0]) if open_ended else Word(sequence[0])


def _pattern(term: Term) -> Pattern:
    regex = f"(?i){term.text}" if term.ignores_case else term.text
    try:
        searches(regex)
    except BadRegex as error:
        hint = "Groups, classes, repetitions and (?i) are possible; a slash inside is written \\/."
        raise BadQuery(f"The regular expression {error}", term.position, hint) from None
    return Pattern(regex, required_words(regex))


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in text)
