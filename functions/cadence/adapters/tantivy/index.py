"""The tantivy index of a split: its fields, and how words get into it."""

from pathlib import Path

import tantivy

# One thread, so that a Lambda's single core is not shared, and segments as large as the memory allows.
_HEAP = 200_000_000
_ANALYZER = "words"

TEXT = "text"  # the words of the line, as `domain.search.tokens` separates them; digests shortened
ORIGIN = "origin"  # numbers, as the head of the split lists what they stand for
LEVEL = "level"
STREAM = "stream"
ROW = "row"


def new_index(folder: Path) -> tantivy.Index:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(TEXT, tokenizer_name=_ANALYZER, index_option="basic")
    # Signed: tantivy ends the process on an unsigned one.
    for name in (ORIGIN, LEVEL, STREAM):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_integer_field(ROW, fast=True)
    return _with_words(tantivy.Index(builder.build(), path=str(folder)))


def opened_index(folder: Path) -> tantivy.Index:
    return _with_words(tantivy.Index.open(str(folder)))


def new_writer(index: tantivy.Index) -> tantivy.IndexWriter:
    return index.writer(_HEAP, 1)


def _with_words(index: tantivy.Index) -> tantivy.Index:
    # The words are separated by spaces: they are what Python made of the text, so both mean the same by a word.
    index.register_tokenizer(_ANALYZER, tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index
