"""The life of an account with the standard library: sign up, prove the address, log in, look, refresh, log out.

The mailed link is read from the database: run it in the folder where `authd serve` runs, or set AUTHD_DB.
    AUTHD_DB=/path/to/authd.db python3 examples/python/account.py [http://localhost:3000]
"""

import json
import re
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = (sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000") + "/v1"
NAME = f"jo{time.time_ns()}"
EMAIL = f"{NAME}@example.com"
PASSWORD = "Correct-Horse-7-Battery"


class Refused(Exception):
    """An answer that is not a success: `code` is for programs, the message for people."""

    def __init__(self, status, error):
        super().__init__(error["message"])
        self.status, self.code, self.details = status, error["code"], error.get("details")


def call(method, path, body=None, access=None):
    headers = {"Content-Type": "application/json"}
    if access:
        headers["Authorization"] = f"Bearer {access}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(API + path, data, headers, method=method), timeout=30) as response:
            return json.load(response).get("data")
    except HTTPError as refusal:
        raise Refused(refusal.code, json.load(refusal)["error"]) from None


call("POST", "/auth/register",
     {"email": EMAIL, "username": NAME, "password": PASSWORD, "firstName": "Jo", "lastName": "Doe"})
print(f"signed up: {EMAIL}")

mail = subprocess.run(["authd", "mail", "show", "--last"], stdout=subprocess.PIPE, text=True)
if mail.returncode != 0:
    sys.exit("the mail cannot be read: run this in the folder of `authd serve`, or set AUTHD_DB to its database")
token = re.search(r"verify-email\?token=([\w-]+)", mail.stdout)[1]
call("POST", "/auth/verify-email", {"token": token})
print("verified")

session = call("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
print("logged in")

me = call("GET", "/users/me", access=session["accessToken"])
print(f"me: {me['email']}")

# A refresh token works once; its successor takes its place.
session |= call("POST", "/auth/refresh", {"refreshToken": session["refreshToken"]})
print("refreshed")

call("POST", "/auth/logout", access=session["accessToken"])
print("logged out")

try:
    call("GET", "/users/me", access=session["accessToken"])
    sys.exit("the access token still works")
except Refused as refused:
    if refused.code != "TOKEN_REVOKED":
        raise
    print("the access token is dead")
