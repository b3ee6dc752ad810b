"""A second service: it reads documents for people who are logged in at authd and counts each in their quota there.

It checks access tokens by itself, with the secret that it shares with authd, and asks authd for two things: how many
uploads are left, before the work, and to count one, before its result goes out. README.md says how to run it.
"""

import hashlib
import os
from typing import Annotated
from urllib.parse import quote

import httpx
import jwt
from fastapi import Depends, FastAPI, Header, UploadFile
from fastapi.responses import JSONResponse

SECRET = os.environ["JWT_SECRET"]
AUTHD = os.environ.get("AUTHD_URL", "http://localhost:5000")
# Needed where authd does not know this machine by its address.
KEY = os.environ.get("AUTHD_SERVICE_KEY")
LARGEST = 10_000_000

app = FastAPI(title="Second service")
authd = httpx.AsyncClient(base_url=AUTHD, headers={"X-Service-Key": KEY} if KEY else {}, timeout=10)


class Refused(Exception):
    """An answer that is not a success, in authd's envelope."""

    def __init__(self, status, error, message):
        super().__init__(message)
        self.status, self.error = status, error


@app.exception_handler(Refused)
async def refuse(_, refused):
    return JSONResponse({"success": False, "message": str(refused), "error": refused.error}, refused.status)


def caller(authorization: Annotated[str, Header()] = "") -> str:
    """The email address of the caller."""
    scheme, _, token = authorization.partition(" ")
    try:
        # The list is the point: a token does not choose how it is checked.
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp", "iat", "email"]})
    except jwt.InvalidTokenError:
        claims = {}
    email = claims.get("email")
    if scheme.lower() != "bearer" or not isinstance(email, str):
        raise Refused(401, "TOKEN_VERIFICATION_FAILED", "Invalid or expired token")
    return email


async def ask(method, path, body=None):
    """What authd answers; what concerns the user goes on to the user, anything else is trouble of ours."""
    try:
        answer = await authd.request(method, path, json=body)
        said = answer.json()
    except (httpx.HTTPError, ValueError):
        raise Refused(503, "SERVICE_UNAVAILABLE", "authd cannot be reached") from None
    if answer.status_code in (404, 429):
        raise Refused(answer.status_code, said["error"], said["message"])
    if answer.status_code != 200:
        raise Refused(502, "SERVER_ERROR", f"authd refused this service: {answer.status_code} {said.get('error')}")
    return said


@app.post("/analyze")
async def analyze(email: Annotated[str, Depends(caller)], file: UploadFile):
    uploads = await ask("GET", f"/api/auth/user-uploads/{quote(email, safe='@')}")
    if uploads["remaining"] <= 0:
        raise Refused(429, "UPLOAD_LIMIT_REACHED", "You have no uploads left")
    if file.size > LARGEST:
        raise Refused(413, "PAYLOAD_TOO_LARGE", f"A file may have {LARGEST} bytes")
    words = len((await file.read()).split())
    # Others may have used the quota up since it was asked for: what authd does not count is not given out.
    uploads = await ask("POST", "/api/auth/increment-upload", {"email": email})
    figures = {name: uploads[name] for name in ("filesUploaded", "limit", "remaining")}
    return {"success": True, "message": "File analyzed", "name": file.filename, "words": words, **figures}


@app.get("/health")
async def health():
    """Whether authd is there, answers this service, and signs with the same secret."""
    info = (await ask("GET", "/api/auth/jwt-info"))["jwtInfo"]
    if info["secretFingerprint"] != hashlib.sha256(SECRET.encode()).hexdigest()[:16]:
        raise Refused(503, "SERVICE_UNAVAILABLE", "JWT_SECRET is not the secret of authd")
    return {"status": "OK", "service": "second-service", "authd": "connected"}
