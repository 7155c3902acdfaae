"""Encrypts small secrets under a KMS key, each bound to its context."""

from collections.abc import Mapping

from botocore.exceptions import ClientError

from cadence.adapters.aws.clients import client
from cadence.domain.shared.errors import Conflict


class KmsCipher:
    """Implements Cipher, for at most 4 KiB of plain text."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        answer = client("kms").encrypt(KeyId=self._key_id, Plaintext=plain, EncryptionContext=dict(context))
        ciphertext: bytes = answer["CiphertextBlob"]
        return ciphertext

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> bytes:
        """Returns the plain text. Raises Conflict if the ciphertext is not of this key and context."""
        try:
            answer = client("kms").decrypt(
                KeyId=self._key_id, CiphertextBlob=ciphertext, EncryptionContext=dict(context)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in {"InvalidCiphertextException", "IncorrectKeyException"}:
                raise Conflict("The stored value was not encrypted for this use.") from None
            raise
        plain: bytes = answer["Plaintext"]
        return plain
