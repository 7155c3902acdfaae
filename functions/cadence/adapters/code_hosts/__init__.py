"""REST APIs of code hosts: one module for each kind, each with an implementation of `CodeHost`."""
