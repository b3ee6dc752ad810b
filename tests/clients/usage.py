"""A client made by openapi-python-client from the document, used as an app would: usage.py <base> <email> <password>."""

import sys

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

refreshed = refresh.sync(client=Client(base_url=base), body=RefreshRequest(refresh_token=session.refresh_token)).data
ended = logout.sync(client=Client(base_url=base), body=LogoutRequest(refresh_token=refreshed.refresh_token))
assert ended.success, ended
print(f"python: {profile.email} is {profile.status}")
