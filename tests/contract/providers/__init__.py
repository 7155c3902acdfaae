"""One suite over all providers.

Each provider has a module `<name>_peer.py` here with `NAME` and `peer()`, a context manager that gives its `Peer`: the
infrastructure, as real as it can be had. `test_contract.py` finds them by their names.
"""
