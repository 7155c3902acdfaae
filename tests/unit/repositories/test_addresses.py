"""Addresses of repositories, as people copy them from a browser or from `git clone`."""

import pytest

from cadence.domain.repositories.repository import read_address
from cadence.domain.shared.errors import InvalidRequest
from cadence.domain.shared.permalinks import run_permalink
from cadence.domain.triggers.githost import GitHostKind


@pytest.mark.parametrize(
    ("url", "kind", "api_url", "name"),
    [
        ("https://github.com/acme/site", None, "https://api.github.com", "acme/site"),
        ("https://github.com/acme/site.git", None, "https://api.github.com", "acme/site"),
        ("https://git.acme.example/acme/site/", GitHostKind.GITHUB, "https://git.acme.example/api/v3", "acme/site"),
        ("https://gitlab.com/acme/web/site", None, "https://gitlab.com/api/v4", "acme/web/site"),
        ("https://codeberg.org/acme/site", None, "https://codeberg.org/api/v1", "acme/site"),
        ("http://127.0.0.1:3000/acme/site", GitHostKind.GITEA, "http://127.0.0.1:3000/api/v1", "acme/site"),
        ("https://acme.example/git/acme/site", GitHostKind.GITEA, "https://acme.example/git/api/v1", "acme/site"),
        ("https://bitbucket.org/acme/site", None, "https://api.bitbucket.org/2.0", "acme/site"),
        *(
            (f"https://git.acme.example{path}", GitHostKind.BITBUCKET, f"https://git.acme.example{below}/rest", name)
            for path, below, name in (
                ("/projects/ACME/repos/site", "", "ACME/site"),
                ("/projects/ACME/repos/site/browse/src", "", "ACME/site"),
                ("/users/ada/repos/site/browse", "", "~ada/site"),
                ("/scm/acme/site.git", "", "acme/site"),
                ("/scm/~ada/site.git", "", "~ada/site"),
                ("/code/git/projects/ACME/repos/site", "/code/git", "ACME/site"),
                ("/projects/SCM/repos/site", "", "SCM/site"),
            )
        ),
    ],
)
def test_addresses_are_read(url: str, kind: GitHostKind | None, api_url: str, name: str) -> None:
    address = read_address(url, kind)

    assert (address.api_url, address.name) == (api_url, name)


@pytest.mark.parametrize(
    ("url", "kind", "pointer"),
    [
        ("git@github.com:acme/site.git", None, "/url"),
        ("https://github.com/acme", None, "/url"),
        ("https://ada:secret@github.com/acme/site", None, "/url"),
        ("https://github.com/acme/site?tab=readme", None, "/url"),
        ("https://[::1/acme/site", None, "/url"),
        ("https://git.acme.example/acme/site", None, "/kind"),
        ("https://git.acme.example/acme/site", GitHostKind.BITBUCKET, "/url"),
        ("https://git.acme.example/projects/ACME/repos", GitHostKind.BITBUCKET, "/url"),
    ],
)
def test_others_are_refused_with_what_to_do(url: str, kind: GitHostKind | None, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_address(url, kind)

    assert [violation.pointer for violation in caught.value.violations] == [pointer]
    assert "secret" not in caught.value.message


def test_a_repository_of_bitbucket_data_center_has_its_page() -> None:
    address = read_address("https://git.acme.example/scm/acme/site.git", GitHostKind.BITBUCKET)

    assert address.url == "https://git.acme.example/projects/acme/repos/site"
    assert address.is_data_center
    assert not read_address("https://bitbucket.org/acme/site").is_data_center


def test_a_page_of_a_run_has_one_form() -> None:
    assert run_permalink("01a/b", "https://ci.example") == "https://ci.example/ui/runs/01a%2Fb"
