"""Uploads of engines, read piece by piece: a chunk may have hundreds of megabytes, a process holds only some of it in
memory.
"""
