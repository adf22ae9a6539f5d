"""Keys and tokens of NATS (docs.nats.io, "NKeys" and "JWTs"), by openssl: what `nk` and `nsc` make."""

import base64
import json
import os
import subprocess
import tempfile

from .waiting import seconds

_PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}  # O, A, U
_SEED = 18 << 3  # S


def _checksum(data):
    crc = 0  # CRC-16/XMODEM
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xffff
    return crc.to_bytes(2, "little")


def _text(data):
    return base64.b32encode(data + _checksum(data)).decode().rstrip("=")


def _base64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds(60))
    assert done.returncode == 0, done.stderr
    return done.stdout


class NKey:
    """An Ed25519 key of an "operator", an "account" or a "user": `public` ("UDXU4...") and `seed` ("SUAC...")."""

    def __init__(self, kind):
        self.kind = kind
        self._pem = _openssl("genpkey", "-algorithm", "ed25519")
        with self._file() as path:
            prefix = _PREFIXES[kind]
            self.public = _text(bytes([prefix]) + _openssl("pkey", "-in", path, "-pubout", "-outform", "DER")[-32:])
            self.seed = _text(bytes([_SEED | prefix >> 5, (prefix & 31) << 3])
                              + _openssl("pkey", "-in", path, "-outform", "DER")[-32:])

    def _file(self):
        return _TemporaryFile(self._pem)

    def token(self, about, name, **claims):
        """A JWT signed by this key about another's, or its own."""
        claims = {"jti": name, "iat": 1700000000, "iss": self.public, "name": name, "sub": about.public,
                  "nats": {"type": about.kind, "version": 2, **claims}}
        text = ".".join(_base64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        with self._file() as key, _TemporaryFile(text.encode()) as message:
            return text + "." + _base64(_openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", message))


class _TemporaryFile:
    """A path that holds `data`, while it is used."""

    def __init__(self, data):
        self.data = data

    def __enter__(self):
        descriptor, self.path = tempfile.mkstemp()
        with os.fdopen(descriptor, "wb") as file:
            file.write(self.data)
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


class Operator:
    """An operator with one account: `config` is the server's, credentials(user) what `nsc` writes for a user."""

    def __init__(self):
        operator, self.account = NKey("operator"), NKey("account")
        limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
        account = operator.token(self.account, "account", limits=limits, default_permissions={"pub": {}, "sub": {}})
        self.config = (f"operator: {operator.token(operator, 'operator')}\nresolver: MEMORY\n"
                       f"resolver_preload: {{ {self.account.public}: {account} }}\n")

    def credentials(self):
        user = NKey("user")
        token = self.account.token(user, "user", pub={}, sub={}, subs=-1, data=-1, payload=-1)
        return (f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
                f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
