"""The process that drives one Mélodium program: it loads only this room, `shared.errors`, `shared.loopback` and `assignments.value_types`."""
