"""Dependencies for FastAPI, and for Starlette below it."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from . import Auth, Refusal, Verifier

__all__ = ["Auth", "Authd", "Refusal"]


class Authd:
    """The dependencies. Takes the options of `Verifier`, and the app, whose responses to refusals it writes.

    They are plain functions, which FastAPI runs in its threads, so that a fetch of keys holds no other request up.
    """

    def __init__(self, app: FastAPI, issuer: str, **options):
        self.verifier = Verifier(issuer, **options)
        self._has_live = bool(options.get("live"))
        app.add_exception_handler(Refusal, _answer)

    def require_auth(self, request: Request) -> Auth:
        """For every account."""
        return self.verifier.authorize(_header(request))

    def require_role(self, *roles: str) -> Callable[[Request], Auth]:
        """For accounts with one of these roles."""
        if not roles:
            raise ValueError("require_role: expected at least one role")

        def dependency(request: Request) -> Auth:
            return self.verifier.authorize(_header(request), roles=roles)

        return dependency

    def require_permission(self, *permissions: str) -> Callable[[Request], Auth]:
        """For accounts with all of these permissions. Needs `live`."""
        if not permissions or not self._has_live:
            raise ValueError("require_permission: expected at least one permission, and `live=True`")

        def dependency(request: Request) -> Auth:
            return self.verifier.authorize(_header(request), permissions=permissions)

        return dependency


def _header(request: Request) -> str | None:
    values = request.headers.getlist("authorization")
    # Of two headers another party might read the other one.
    return ", ".join(values) if values else None


async def _answer(_: Request, refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.body, refusal.status, refusal.headers)
