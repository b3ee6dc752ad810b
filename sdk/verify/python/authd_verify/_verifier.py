"""Checks access tokens of authd."""

import logging
import re
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ._http import get_json
from ._jwt import parse_object, take_apart
from ._keys import Keys
from ._live import LiveCheck
from ._refusal import Refusal

#: How far the clocks of authd and of this machine may differ.
_SKEW = 30
_REPORT_EVERY = 60
_SAFE = 2**53
#: Header `typ` of a token for the app itself, and of one for another party's resource (RFC 9068).
_FIRST_PARTY, _FOR_A_RESOURCE = "JWT", "at+jwt"
_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)

_log = logging.getLogger("authd_verify")


@dataclass(frozen=True)
class Auth:
    """A checked token."""

    #: the account's id
    sub: str
    #: the session's id
    sid: str
    #: with `live`, as authd has them now
    roles: tuple[str, ...]
    #: all claims of the token
    claims: dict = field(repr=False)
    #: with `live` only, like the two below
    permissions: tuple[str, ...] = ()
    email: str | None = None
    username: str | None = None


class Verifier:
    """Create one per process: it holds the keys. Threads may share it.

    issuer: `iss` of the tokens: the public URL of authd, or its `tokens.issuer`
    url: where authd is reached from here, if that is not the issuer
    audience: `tokens.audience`, if authd has one; without it, a token with an `aud` is refused
    resource: accept tokens for this resource (`at+jwt`, RFC 9068) in place of the app's own
    live: ask authd whether the session still exists, at most every ten seconds
    """

    def __init__(
        self,
        issuer: str,
        *,
        url: str | None = None,
        audience: str | None = None,
        resource: str | None = None,
        live: bool = False,
        _get=get_json,
        _now: Callable[[], float] | None = None,
    ):
        url = issuer if url is None else url
        for name, value in (("issuer", issuer), ("url", url)):
            parts = urlsplit(value) if isinstance(value, str) else None
            if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
                raise ValueError(f"{name}: expected the URL of authd, got {value!r}")
        for name, value in (("audience", audience), ("resource", resource)):
            if value is not None and (not isinstance(value, str) or not value):
                raise ValueError(f"{name}: expected a text, got {value!r}")
        if audience is not None and resource is not None:
            raise ValueError("audience and resource: expected one of them; a service checks one kind of token")
        if resource is not None and live:
            raise ValueError("live: authd answers for its own tokens only, not for those of a resource")
        self._issuer, self._audience = issuer, resource or audience
        self._typ = _FIRST_PARTY if resource is None else _FOR_A_RESOURCE
        self._wall = _now or time.time
        # What is kept is measured by a clock that nobody sets.
        clock = _now or time.monotonic
        parts = (url.rstrip("/"), _get, clock, _once_a_minute(clock))
        self._keys = Keys(*parts)
        self._live = LiveCheck(*parts) if live else None

    def verify(self, token: str) -> Auth:
        """Checks a token. Raises `Refusal`. Waits for authd when keys have to be fetched."""
        parts = take_apart(token)
        if parts is None or parts.typ != self._typ:
            raise Refusal("INVALID_TOKEN")
        key = self._keys.find(parts.kid)
        if key is None or key.alg != parts.alg or not key.verifies(parts.signed, parts.signature):
            raise Refusal("INVALID_TOKEN")
        claims = parse_object(parts.payload)
        if claims is None:
            raise Refusal("INVALID_TOKEN")
        self._check(claims)
        sub, sid, roles = claims["sub"], claims["sid"], tuple(claims.get("roles", ()))
        if self._live is None:
            return Auth(sub, sid, roles, claims)
        now = self._live.account(token, claims["jti"])
        names = now.get("email"), now.get("username")
        return Auth(sub, sid, tuple(now["roles"]), claims, tuple(now["permissions"]), *names)

    def authorize(
        self, header: str | None, *, roles: Collection[str] = (), permissions: Collection[str] = ()
    ) -> Auth:
        """Checks the value of an `Authorization` header, and that the account has one of `roles` and all of
        `permissions`. Raises `Refusal`.
        """
        if permissions and self._live is None:
            raise ValueError("permissions are not in the token: they need `live=True`")
        auth = self.verify(_bearer(header))
        if roles and not set(roles) & set(auth.roles) or not set(permissions) <= set(auth.permissions):
            raise Refusal("INSUFFICIENT_PERMISSIONS")
        return auth

    def _check(self, claims: dict):
        now = self._wall()
        iat, exp = claims.get("iat"), claims.get("exp")
        nbf = claims.get("nbf", iat)
        roles = claims.get("roles", [])
        is_ours = (
            claims.get("iss") == self._issuer
            and all(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "sid", "jti"))
            and self._is_for_us(claims)
            and isinstance(roles, list)
            and all(isinstance(role, str) for role in roles)
            and all(type(moment) is int and abs(moment) < _SAFE for moment in (iat, exp, nbf))
            and max(iat, nbf) <= now + _SKEW
        )
        if not is_ours:
            raise Refusal("INVALID_TOKEN")
        if now >= exp + _SKEW:
            raise Refusal("TOKEN_EXPIRED")

    def _is_for_us(self, claims: dict) -> bool:
        """A party that `aud` does not name must refuse the token (RFC 7519, section 4.1.3)."""
        if self._audience is None:
            return "aud" not in claims
        aud = claims.get("aud")
        return aud == self._audience or (isinstance(aud, list) and self._audience in aud)


def _bearer(header: str | None) -> str:
    """The token in an `Authorization` header."""
    if not header:
        raise Refusal("MISSING_AUTH_HEADER")
    found = _BEARER.fullmatch(header)
    if found is None:
        raise Refusal("INVALID_TOKEN")
    return found[1]


def _once_a_minute(now: Callable[[], float]):
    """Logs a message at most once a minute."""
    silent_until: dict[str, float] = {}
    lock = threading.Lock()

    def report(message: str, cause: Exception):
        with lock:
            if now() < silent_until.get(message, float("-inf")):
                return
            silent_until[message] = now() + _REPORT_EVERY
        _log.warning("%s: %s", message, cause)

    return report
