"""Asks authd whether a session still exists. An answer is used for ten seconds."""

import threading
from collections import OrderedDict

from ._refusal import Refusal

_KEPT = 10
_MOST_KEPT = 10_000


class LiveCheck:
    """Shared by all threads."""

    def __init__(self, url, get, now, report):
        self._url = f"{url}/v1/users/me"
        self._get, self._now, self._report = get, now, report
        #: `jti` to until when the answer is used, and the account, or `None` if the session has ended. Oldest first.
        self._kept: OrderedDict[str, tuple[float, dict | None]] = OrderedDict()
        self._lock = threading.Lock()

    def account(self, token: str, jti: str) -> dict:
        """The account behind a verified token as authd has it now. Refuses a token whose session has ended."""
        with self._lock:
            until, account = self._kept.get(jti, (float("-inf"), None))
        if self._now() >= until:
            asked_at = self._now()
            account = self._ask(token)
            with self._lock:
                self._kept[jti] = (asked_at + _KEPT, account)
                self._kept.move_to_end(jti)
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
        if account is None:
            raise Refusal("TOKEN_REVOKED")
        return account

    def _ask(self, token: str) -> dict | None:
        try:
            answer = self._get(self._url, {"Authorization": f"Bearer {token}"})
            if answer.status in (401, 403):
                return None
            account = answer.body.get("data") if isinstance(answer.body, dict) else None
            names = ("roles", "permissions")
            if not isinstance(account, dict) or not all(isinstance(account.get(name), list) for name in names):
                raise ValueError(f"status {answer.status}")
        except (OSError, ValueError) as error:
            self._report(f"{self._url} cannot be asked", error)
            raise Refusal("SERVICE_UNAVAILABLE") from error
        return account
