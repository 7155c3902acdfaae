"""The access key of the local stack's root, drawn at random for each stack."""

import configparser
import io
import secrets
import string
from dataclasses import dataclass

from cadence.local.shared.files import write_private
from cadence.local.shared.paths import StackPaths

_PROFILE = "default"
_KEY_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class AccountKey:
    """What AWS clients sign with; the file that holds it has the format of the AWS command line's credentials."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def random(cls) -> "AccountKey":
        name = "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(16))
        return cls(f"AKIA{name}", secrets.token_hex(20))

    @classmethod
    def read(cls, paths: StackPaths) -> "AccountKey | None":
        """The key of a stack; None if there is none, or its file is damaged."""
        content = configparser.ConfigParser(interpolation=None)
        try:
            content.read_string(paths.account_key.read_text())
            profile = content[_PROFILE]
            return cls(profile["aws_access_key_id"], profile["aws_secret_access_key"])
        except (FileNotFoundError, KeyError, configparser.Error):
            return None

    @classmethod
    def kept(cls, paths: StackPaths) -> "AccountKey":
        """The key of a stack, drawn and stored the first time. Stored state does not depend on it."""
        key = cls.read(paths)
        if key is None:
            key = cls.random()
            write_private(paths.account_key, _as_file(key))
        return key


def _as_file(key: AccountKey) -> str:
    content = configparser.ConfigParser(interpolation=None)
    content[_PROFILE] = {
        "aws_access_key_id": key.access_key_id,
        "aws_secret_access_key": key.secret_access_key,
    }
    text = io.StringIO()
    content.write(text)
    return text.getvalue()
