"""Encrypts secrets of more than the 4 KiB that KMS encrypts at a time: in parts, each bound to its place."""

import base64
from collections.abc import Mapping, Sequence

from cadence.application.access.ports import Cipher

_PART_BYTES = 4096


def encrypt_parts(cipher: Cipher, plain: bytes, context: Mapping[str, str]) -> list[str]:
    """Returns ciphertexts in base64."""
    starts = range(0, len(plain), _PART_BYTES)
    return [
        base64.b64encode(cipher.encrypt(plain[start : start + _PART_BYTES], _of_part(context, part))).decode()
        for part, start in enumerate(starts)
    ]


def decrypt_parts(cipher: Cipher, parts: Sequence[str], context: Mapping[str, str]) -> bytes:
    return b"".join(
        cipher.decrypt(base64.b64decode(ciphertext), _of_part(context, part)) for part, ciphertext in enumerate(parts)
    )


def _of_part(context: Mapping[str, str], part: int) -> Mapping[str, str]:
    return {**context, "part": str(part)}
