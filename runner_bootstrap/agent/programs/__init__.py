"""The process that drives one Mélodium program.

It loads only this room, `shared.errors`, `shared.loopback` and `assignments.value_types`.
"""
