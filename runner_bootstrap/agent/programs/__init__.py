"""The process that drives one Mélodium program.

It loads only this room, `assignments.value_types`, and of `shared` what `DRIVER_MODULES` names.
"""
