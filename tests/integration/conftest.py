"""What holds for all tests over the emulated AWS."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from moto.kms import models


@pytest.fixture(scope="session", autouse=True)
def _one_private_key_of_a_kind() -> Iterator[None]:
    """Gives all keys of the emulated KMS the same private key, which no test uses.

    The emulation makes an RSA key for symmetric keys as well; that takes longer than most tests.
    """
    kms: Any = models
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kms, "generate_private_key", functools.cache(kms.generate_private_key))
        yield
