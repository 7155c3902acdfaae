"""An identity provider on loopback, whose keys the tests choose."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT = "cadence"


class Issuer:
    """An identity provider that publishes the keys in `published` and signs whatever it is asked to."""

    def __init__(self) -> None:
        self.keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("one", "two")}
        self.published = ["one"]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = json.dumps(issuer.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        jwks = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key())) | {"kid": name, "alg": "RS256"}
            for name in self.published
        ]
        return {"keys": jwks}

    def token(self, key: str = "one", **claims: Any) -> str:
        now = int(time.time())
        base = {
            "iss": self.url, "aud": CLIENT, "sub": "u1", "iat": now, "exp": now + 3600, "email": "Ada@example.org",
            "email_verified": True, "name": "Ada", "groups": ["engineers"],
        }  # fmt: skip
        kept = {name: value for name, value in (base | claims).items() if value is not None}
        return jwt.encode(kept, self.keys[key], algorithm="RS256", headers={"kid": key})
