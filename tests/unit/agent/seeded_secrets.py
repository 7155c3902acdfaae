"""Two hundred secrets of the formats in use, and the ways in which scripts print them."""

import base64
import html
import json
import random
import shlex
import string
import textwrap
import urllib.parse
from collections.abc import Callable, Mapping

_LETTERS = string.ascii_letters + string.digits
_PUNCTUATED = _LETTERS + "!#$%&()*+,-./:;<=>?@[]^_{|}~'\"\\"
_URL_SAFE = _LETTERS + "-_"


def secrets(count: int = 200, seed: int = 14) -> list[str]:
    """Returns secrets of every format in turn, the same for the same seed."""
    chance = random.Random(seed)
    formats = list(_FORMATS.values())
    return [formats[number % len(formats)](chance) for number in range(count)]


def _text(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choices(alphabet, k=length))


def _key(chance: random.Random, kind: str) -> str:
    lines = textwrap.wrap(base64.b64encode(chance.randbytes(800)).decode(), 64)
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _jwt(chance: random.Random) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    claims = json.dumps({"sub": _text(chance, _LETTERS, 12), "exp": chance.randrange(10**9)}).encode()
    return ".".join(map(part, (b'{"alg":"HS256","typ":"JWT"}', claims, chance.randbytes(32))))


_FORMATS: Mapping[str, Callable[[random.Random], str]] = {
    "AWS access key": lambda chance: "AKIA" + _text(chance, string.ascii_uppercase + "234567", 16),
    "AWS secret key": lambda chance: base64.b64encode(chance.randbytes(30)).decode(),
    "GitHub token": lambda chance: "ghp_" + _text(chance, _LETTERS, 36),
    "GitLab token": lambda chance: "glpat-" + _text(chance, _URL_SAFE, 20),
    "Slack token": lambda chance: f"xoxb-{chance.randrange(10**11)}-{_text(chance, _LETTERS, 24)}",
    "Stripe key": lambda chance: "sk_live_" + _text(chance, _LETTERS, 24),
    "PyPI token": lambda chance: "pypi-" + _text(chance, _URL_SAFE, 150),
    "JSON web token": _jwt,
    "hexadecimal key": lambda chance: chance.randbytes(32).hex(),
    "short hexadecimal key": lambda chance: chance.randbytes(8).hex(),
    "base64 key": lambda chance: base64.b64encode(chance.randbytes(32)).decode(),
    "UUID": lambda chance: "-".join(_text(chance, "0123456789abcdef", length) for length in (8, 4, 4, 4, 12)),
    "digits": lambda chance: _text(chance, string.digits, 10),
    "password": lambda chance: _text(chance, _PUNCTUATED, 16),
    "long password": lambda chance: _text(chance, _PUNCTUATED, 40),
    "password with spaces": lambda chance: " ".join(_text(chance, _PUNCTUATED, 6) for _ in range(4)),
    "passphrase of words": lambda chance: "-".join(_text(chance, string.ascii_lowercase, 6) for _ in range(5)),
    "passphrase in another script": lambda chance: _text(chance, "äöüßéèñçłøåжщюя漢字密码", 14),
    "address of a database": lambda chance: (
        f"postgres://app:{_text(chance, _LETTERS, 20)}@db.example:5432/{_text(chance, _LETTERS, 8)}?sslmode=require"
    ),
    "RSA key": lambda chance: _key(chance, "RSA PRIVATE KEY"),
    "OpenSSH key": lambda chance: _key(chance, "OPENSSH PRIVATE KEY"),
    "service account": lambda chance: json.dumps(
        {
            "type": "service_account",
            "private_key": _key(chance, "PRIVATE KEY"),
            "client_id": _text(chance, "0123456789", 21),
        }
    ),
    "connection string": lambda chance: (
        f"AccountName={_text(chance, string.ascii_lowercase, 10)};"
        f"AccountKey={base64.b64encode(chance.randbytes(64)).decode()}"
    ),
    "JSON with quotes": lambda chance: json.dumps({"user": "ci", "password": _text(chance, _PUNCTUATED, 18)}),
    "two lines": lambda chance: f"{_text(chance, _LETTERS, 20)}\n{_text(chance, _LETTERS, 20)}",
}


def _percent_q(text: str) -> str:
    """What `printf %q` of bash prints for printable characters."""
    if any(not character.isprintable() for character in text):
        return _ansi_c(text)
    special = " \"'\\|&;()<>!{}*[]?^$`,"
    quoted = "".join(f"\\{one}" if one in special else one for one in text)
    return f"\\{quoted}" if quoted.startswith(("#", "~")) else quoted


def _ansi_c(text: str) -> str:
    """What `set -x` and `printf %q` print for texts with line ends: $'…'."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"$'{escaped}'"


def _in_double_quotes(text: str) -> str:
    """What `declare -p` prints."""
    for special in '\\"$`':
        text = text.replace(special, f"\\{special}")
    return f'"{text}"'


def _base64(text: str, before: bytes = b"") -> str:
    return base64.b64encode(before + text.encode()).decode()


WAYS: Mapping[str, Callable[[str], str]] = {
    "echo": str,
    "in a sentence": lambda text: f"connecting with {text} now",
    "env": lambda text: f"TOKEN={text}",
    "header of curl -v": lambda text: f"> Authorization: Bearer {text}",
    "set -x": lambda text: f"+ deploy --token {shlex.quote(text)}",
    "printf %q": _percent_q,
    "set -x of line ends": lambda text: f"+ echo {_ansi_c(text)}",
    "declare -p": lambda text: f"declare -x TOKEN={_in_double_quotes(text)}",
    "repr of Python": repr,
    "ascii of Python": ascii,
    "dictionary of Python": lambda text: str({"token": text}),
    "JSON": lambda text: json.dumps({"token": text}),
    "JSON, not only ASCII": lambda text: json.dumps({"token": text}, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"token": text})}),
    "JSON with escaped slashes": lambda text: json.dumps({"token": text}).replace("/", "\\/"),
    "JSON of Go": lambda text: (
        json.dumps(text, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    ),
    "XML": lambda text: f"<token>{html.escape(text, quote=False)}</token>",
    "attribute of HTML": lambda text: f'<input value="{html.escape(text)}">',
    "address": lambda text: f"https://ci:{urllib.parse.quote(text, safe='')}@host/x",
    "query": lambda text: "https://host/?" + urllib.parse.urlencode({"token": text}),
    "path of an address": lambda text: f"https://host/{urllib.parse.quote(text)}",
    "small percent encoding": lambda text: urllib.parse.quote(text, safe="").lower() if text.islower() else text,
    "base64": _base64,
    "base64 of user and password": lambda text: f"Authorization: Basic {_base64(text, b'ci:')}",
    "base64, one byte later": lambda text: _base64(text, b"x"),
    "base64, two bytes later": lambda text: _base64(text, b"xy"),
    "base64, wrapped": lambda text: "\n".join(textwrap.wrap(_base64(text), 76)),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "xxd -p": lambda text: "\n".join(textwrap.wrap(text.encode().hex(), 60)),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "indented": lambda text: textwrap.indent(text, "    "),
    "wrapped at 80 characters": lambda text: "\n".join(text[at : at + 80] for at in range(0, len(text), 80)),
}
