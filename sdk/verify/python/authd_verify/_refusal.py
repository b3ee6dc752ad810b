"""What a request is refused with, in the form of authd's own errors."""

_MESSAGES = {
    "MISSING_AUTH_HEADER": (401, "An access token is needed"),
    "INVALID_TOKEN": (401, "The access token is not valid"),
    "TOKEN_EXPIRED": (401, "The access token has expired"),
    "TOKEN_REVOKED": (401, "The session has ended"),
    "INSUFFICIENT_PERMISSIONS": (403, "The account may not do this"),
    "SERVICE_UNAVAILABLE": (503, "Tokens cannot be checked at the moment"),
}


class Refusal(Exception):
    """A refusal. Its `__cause__` says why to the operator; it is not part of the response."""

    def __init__(self, code: str):
        self.status, self.message = _MESSAGES[code]
        self.code = code
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Cache-Control": "no-store"}
        if self.status == 503:
            headers["Retry-After"] = "5"
        elif self.code == "MISSING_AUTH_HEADER":
            # RFC 6750, section 3.1: without a token there is no error to name.
            headers["WWW-Authenticate"] = "Bearer"
        else:
            error = "invalid_token" if self.status == 401 else "insufficient_scope"
            headers["WWW-Authenticate"] = f'Bearer error="{error}"'
        return headers

    @property
    def body(self) -> dict:
        return {"success": False, "error": {"code": self.code, "message": self.message, "details": []}}
