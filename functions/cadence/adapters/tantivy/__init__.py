"""A split's file: an index of its words by tantivy, and the lines themselves in compressed blocks beside it.

The lines of a split stand in the order of their places, so a line's *row* (its number in that order) is all that the
index keeps of it beside its words and fields: times, places and cursors are bounds on rows.
"""
