"""JSON from authd, with limits on time and size."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

LONGEST_WAIT = 5
LARGEST_BODY = 64 * 1024


class Answer(NamedTuple):
    status: int
    cache_control: str
    #: `None` unless the status is 200
    body: Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would let another host answer: it counts as a failure."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def get_json(url: str, headers: dict[str, str]) -> Answer:
    """Raises `OSError` or `ValueError` if there is no answer, or one that is not JSON."""
    request = urllib.request.Request(url, headers={"Accept": "application/json", **headers})
    try:
        with _opener.open(request, timeout=LONGEST_WAIT) as response:
            body = response.read(LARGEST_BODY + 1)
            if len(body) > LARGEST_BODY:
                raise ValueError(f"more than {LARGEST_BODY} bytes from authd")
            cache_control = ", ".join(response.headers.get_all("Cache-Control", []))
            return Answer(response.status, cache_control, json.loads(body) if response.status == 200 else None)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, "", None)
    except (http.client.HTTPException, RecursionError) as error:
        raise ValueError(f"not an answer of authd: {error!r}") from error
