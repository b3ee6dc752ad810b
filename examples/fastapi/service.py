"""Checks access tokens with the public keys of authd. In this folder:

    pip install -r requirements.txt
    AUTHD_URL=http://127.0.0.1:3000 uvicorn service:app
"""

import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException

# The public URL of authd is the issuer of its tokens.
ISSUER = os.environ.get("AUTHD_URL", "http://127.0.0.1:3000")
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")
app = FastAPI()


def logged_in(authorization: Annotated[str, Header()] = "") -> dict:
    scheme, _, token = authorization.partition(" ")
    try:
        key = keys.get_signing_key_from_jwt(token if scheme.lower() == "bearer" else "")
        return jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, options={"require": ["exp", "iss", "sub"]})
    except jwt.PyJWKClientConnectionError:
        raise HTTPException(503, "authd cannot be reached") from None
    except jwt.PyJWTError:
        raise HTTPException(401, "log in first") from None


@app.get("/me")
def me(user: Annotated[dict, Depends(logged_in)]):
    return {"id": user["sub"], "roles": user["roles"]}
