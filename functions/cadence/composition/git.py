"""Wiring of what reads git repositories."""

from cadence.application.git_ports import GitReader


def git_reader(hosts: str) -> GitReader:
    """Git is loaded by the first document that uses a definition of a repository: nearly none does."""
    from cadence.adapters.git.reader import DulwichGitReader

    return DulwichGitReader.reaching(hosts)
