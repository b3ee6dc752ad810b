"""Lets schemathesis call with the access token of an account, and log in again when its session has ended."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import schemathesis

API = os.environ["API_URL"] + "/v1"
ACCOUNT = {"email": os.environ["ACCOUNT_EMAIL"], "password": os.environ["ACCOUNT_PASSWORD"]}
APP = json.loads(os.environ.get("APP_HEADERS", "{}"))
token = None
# The calls of the tool itself end sessions, and a response of 401 may say so.
in_doubt = True


def call(path, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def mailed_code():
    """The code of the newest mail with one to the account; the tool causes mail to others meanwhile."""
    def authd(*arguments):
        command = [os.environ["AUTHD"], "mail", *arguments, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    mails = authd("list", "--state", "waiting")
    newest = next(mail for mail in mails if mail["recipient"] == ACCOUNT["email"] and mail["kind"].endswith("_code"))
    return re.search(r"\b\d{6}\b", authd("show", newest["id"])["text"]).group()


def log_in():
    """A token. What the tool sends meanwhile can use up attempts and replace codes; then calls go on without a session."""
    for _ in range(3):
        try:
            return attempt_login()
        except urllib.error.HTTPError as error:
            if error.code == 429:
                unlock = [os.environ["AUTHD"], "user", "unlock", ACCOUNT["email"]]
                subprocess.run(unlock, check=False, capture_output=True)
    return "expired"


def attempt_login():
    try:
        return call("/auth/login", APP, ACCOUNT)["data"]["accessToken"]
    except urllib.error.HTTPError as error:
        challenge = json.load(error)["error"].get("mfaToken")
        if challenge is None:
            raise
    proof = {"authorization": f"Bearer {challenge}", **APP}
    return call("/auth/mfa/verify", proof, {"code": mailed_code()})["data"]["accessToken"]


def is_valid(token):
    try:
        call("/users/me", {"authorization": f"Bearer {token}"})
        return True
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        return False


@schemathesis.auth(refresh_interval=None)
class Session:
    def get(self, case, context):
        global token, in_doubt
        if in_doubt and not (token and is_valid(token)):
            token = log_in()
        in_doubt = False
        return token

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def after_call(context, case, response):
    global in_doubt
    if response.status_code == 401 or case.method != "GET":
        in_doubt = True
