"""The public keys of authd (RFC 7517): fetched, kept as long as the server says, and fetched again for an unknown key."""

import re
import threading
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ._jwt import decode
from ._refusal import Refusal

_DEFAULT_AGE = 60
_SHORTEST_AGE, _LONGEST_AGE = 10, 3600
_RETRY = 5
#: At most one fetch for an unknown `kid` in this time, whatever tokens arrive.
_UNKNOWN_KEY = 60
_SHORTEST_RSA_BITS = 2048
_COORDINATE = 32
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})", re.IGNORECASE)


class Key(NamedTuple):
    #: The only algorithm of this key.
    alg: str
    #: Raises `InvalidSignature` or `ValueError`.
    check: Callable[[bytes, bytes], object]

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        try:
            self.check(signature, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


class Keys:
    """Shared by all threads."""

    def __init__(self, url, get, now, report):
        self._url = f"{url}/.well-known/jwks.json"
        self._get, self._now, self._report = get, now, report
        self._known: dict[str, Key] = {}
        self._due_at = self._unknown_allowed_at = float("-inf")
        self._has_failed = False
        #: How many fetches have ended.
        self._loads = 0
        self._loading = threading.Lock()

    def find(self, kid: str) -> Key | None:
        """The key of this id; `None` if authd has none."""
        begun = self._loads
        if self._now() >= self._due_at:
            if self._has_failed and kid in self._known:
                # While authd does not answer, one request waits for it and the others go on.
                if self._loading.acquire(blocking=False):
                    try:
                        self._load_after(begun)
                    finally:
                        self._loading.release()
            else:
                with self._loading:
                    self._load_after(begun)
        if kid not in self._known and self._loads == begun:
            with self._loading:
                if self._loads == begun and self._now() >= self._unknown_allowed_at:
                    self._unknown_allowed_at = self._now() + _UNKNOWN_KEY
                    self._load_after(begun)
        if not self._known:
            raise Refusal("SERVICE_UNAVAILABLE") from LookupError(f"no public keys from {self._url}")
        return self._known.get(kid)

    def _load_after(self, begun: int):
        """Fetches the keys, unless another thread has done so since."""
        if self._loads != begun:
            return
        try:
            answer = self._get(self._url, {})
            keys = answer.body.get("keys") if isinstance(answer.body, dict) else None
            if not isinstance(keys, list):
                raise ValueError(f"not a set of keys (status {answer.status})")
            self._known = _parsed(keys)
            self._due_at = self._now() + _age(answer.cache_control)
            self._has_failed = False
        except (OSError, ValueError) as error:
            # The keys at hand stay: authd may be restarting.
            self._due_at = self._now() + _RETRY
            self._has_failed = True
            self._report(f"{self._url} cannot be read", error)
        self._loads += 1


def _age(cache_control: str) -> int:
    """How long keys are good, in seconds."""
    found = _MAX_AGE.search(cache_control)
    return min(max(int(found[1]) if found else _DEFAULT_AGE, _SHORTEST_AGE), _LONGEST_AGE)


def _parsed(jwks: list) -> dict[str, Key]:
    """The keys that check signatures, by id. Others are left out (RFC 7517, section 5)."""
    known: dict[str, Key] = {}
    for jwk in jwks:
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str) and jwk["kid"] not in known:
            key = _parse(jwk)
            if key is not None:
                known[jwk["kid"]] = key
    return known


def _parse(jwk: dict) -> Key | None:
    """The key type alone decides the algorithm. A shared secret (`oct`) has no place here."""
    kind = f"{jwk.get('kty')} {jwk.get('crv')}"
    alg = {"EC P-256": "ES256", "OKP Ed25519": "EdDSA", "RSA None": "RS256"}.get(kind)
    if alg is None or jwk.get("alg", alg) != alg or jwk.get("use", "sig") != "sig":
        return None
    names = {"ES256": ("x", "y"), "EdDSA": ("x",), "RS256": ("n", "e")}[alg]
    members = [decode(jwk[name]) if isinstance(jwk.get(name), str) else None for name in names]
    if not all(members):
        return None
    try:
        return Key(alg, {"ES256": _ec, "EdDSA": _ed, "RS256": _rsa}[alg](*members))
    except ValueError:
        return None


def _ec(x: bytes, y: bytes):
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    key = numbers.public_key()

    def check(signature, signed):
        if len(signature) != 2 * _COORDINATE:
            raise InvalidSignature
        r, s = signature[:_COORDINATE], signature[_COORDINATE:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(der, signed, ec.ECDSA(hashes.SHA256()))

    return check


def _ed(x: bytes):
    return Ed25519PublicKey.from_public_bytes(x).verify


def _rsa(n: bytes, e: bytes):
    key = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
    if key.key_size < _SHORTEST_RSA_BITS:
        raise ValueError("too short")
    return lambda signature, signed: key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
