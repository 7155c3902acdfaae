"""A provider of an infrastructure that does not exist, to be copied as docs/add-a-provider.md describes.

It is complete, typed and tested by the suite over all providers; no Lambda is made of it.
"""
