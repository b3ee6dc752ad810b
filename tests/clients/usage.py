"""A client made by openapi-python-client from the document, used as an app would: usage.py <base> <email> <password>."""

import importlib
import inspect
import pkgutil
import sys

import client.api
import client_v1_admin.api
from client import AuthenticatedClient, Client
from client.api.authentication import login, logout, refresh
from client.api.user_management import get_profile
from client.models import AccountStatus, Error, LoginRequest, LogoutRequest, RefreshRequest

base, email, password = sys.argv[1:]
anybody = Client(base_url=base, raise_on_unexpected_status=True)

refused = login.sync(client=anybody, body=LoginRequest(email=email, password="wrong"))
assert isinstance(refused, Error) and refused.error.code == "INVALID_CREDENTIALS", refused

session = login.sync(client=anybody, body=LoginRequest(email=email, password=password)).data
me = AuthenticatedClient(base_url=base, token=session.access_token, raise_on_unexpected_status=True)
profile = get_profile.sync(client=me).data
assert profile.email == email and profile.status is AccountStatus.ACTIVE, profile

# Every GET that needs no parameter answers with what the document says. Those of the server itself are at the root.
root = base.removesuffix("/v1")
called = 0
packages = [
    *pkgutil.walk_packages(client.api.__path__, "client.api."),
    *pkgutil.walk_packages(client_v1_admin.api.__path__, "client_v1_admin.api."),
]
for found in packages:
    operation = importlib.import_module(found.name)
    ask = getattr(operation, "_get_kwargs", None)
    if ask is None or any(p.default is p.empty for p in inspect.signature(ask).parameters.values()):
        continue
    request = ask()
    if request["method"] != "get":
        continue
    at = base if operation.__name__.split(".")[2] != "system" else root
    caller = AuthenticatedClient(base_url=at, token=session.access_token, raise_on_unexpected_status=True)
    answer = operation.sync_detailed(client=caller)
    assert answer.status_code == 200 and not isinstance(answer.parsed, Error), (found.name, answer)
    called += 1
assert called >= 18, called

refreshed = refresh.sync(client=Client(base_url=base), body=RefreshRequest(refresh_token=session.refresh_token)).data
ended = logout.sync(client=Client(base_url=base), body=LogoutRequest(refresh_token=refreshed.refresh_token))
assert ended.success, ended
print(f"python: {profile.email} is {profile.status}")
