"""JWS compact serialisation (RFC 7515), read strictly (RFC 8725). Nothing here checks a signature."""

import base64
import json
import re
from typing import NamedTuple

LONGEST_TOKEN = 8 * 1024
#: Header members that would let a token bring its own key or change how it is read.
_REFUSED_MEMBERS = ("crit", "jwk", "jku", "x5c", "x5u")
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class Parts(NamedTuple):
    """A token in its parts, none of them trusted yet."""

    alg: str
    kid: str
    typ: str
    signed: bytes
    signature: bytes
    payload: str


def decode(text: str) -> bytes | None:
    """The bytes of canonical base64url, without padding; `None` for any other text."""
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Unused bits of the last character are zero, so that no two texts mean the same bytes.
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None


def parse_object(text: str) -> dict | None:
    """The JSON object in one part of a token; `None` if it is not one."""
    data = decode(text)
    if data is None:
        return None
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unique(pairs):
    """Two parsers could each use a different one of two members with the same name."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def take_apart(token: str) -> Parts | None:
    """Splits a token; `None` if it does not have the form of one."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or token.count(".") != 2:
        return None
    first, payload, last = token.split(".")
    header, signature = parse_object(first), decode(last)
    if header is None or not signature or any(name in header for name in _REFUSED_MEMBERS):
        return None
    alg, kid, typ = (header.get(name) for name in ("alg", "kid", "typ"))
    if not all(isinstance(member, str) for member in (alg, kid, typ)):
        return None
    return Parts(alg, kid, typ, f"{first}.{payload}".encode(), signature, payload)
