"""A provider of an infrastructure that does not exist, to be copied: docs/add-a-provider.md says how.

It is complete, typed and held against the suite over all providers; no Lambda is made of it.
"""
