"""Answers that clients keep: their tags, and their compression."""

import gzip

import pytest

from api.lasting import compressed, etag_of, is_known

BODY = '{"lines": ["' + "é" * 2_000 + '"]}'


def test_a_tag_is_that_of_the_content() -> None:
    assert etag_of(BODY) == etag_of(BODY) != etag_of(BODY + " ")
    tag = etag_of(BODY)
    for header in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        assert is_known(tag, {"if-none-match": header}), header
    for header in ("", '"other"', tag[:-3]):
        assert not is_known(tag, {"if-none-match": header}), header
    assert not is_known(tag, {})


@pytest.mark.parametrize("accepted", ["gzip", "deflate, GZIP;q=0.5", "br, gzip ;q=1.0"])
def test_a_body_is_compressed_for_clients_that_accept_it(accepted: str) -> None:
    packed = compressed(BODY, {"accept-encoding": accepted})
    assert packed is not None and gzip.decompress(packed).decode() == BODY
    assert packed == compressed(BODY, {"accept-encoding": "gzip"})


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000, br", "xgzip"])
def test_a_body_is_not_compressed_for_others(accepted: str) -> None:
    assert compressed(BODY, {"accept-encoding": accepted}) is None


def test_a_small_body_is_not_compressed() -> None:
    assert compressed("{}", {"accept-encoding": "gzip"}) is None
