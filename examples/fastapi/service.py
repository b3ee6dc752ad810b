"""Checks access tokens of authd in FastAPI. In this folder:

    pip install -r requirements.txt
    AUTHD_URL=http://localhost:3000 uvicorn service:app
"""

import os
from typing import Annotated

from authd_verify.fastapi import Auth, Authd
from fastapi import Depends, FastAPI

app = FastAPI()
# The public URL of authd is the issuer of its tokens. With AUTHD_LIVE=1 a token ends with its session.
issuer = os.environ.get("AUTHD_URL", "http://localhost:3000")
authd = Authd(app, issuer, live=os.environ.get("AUTHD_LIVE") == "1")


@app.get("/me")
def me(auth: Annotated[Auth, Depends(authd.require_auth)]):
    return {"id": auth.sub, "roles": auth.roles}


@app.get("/admin", dependencies=[Depends(authd.require_role("admin"))])
def admin():
    return {"welcome": True}
